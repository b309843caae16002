"""Tables as others have them: other names of columns, a column per method, further words for what is missing.

Each is brought into the form of :mod:`.table` before it is checked. Nothing is guessed that changes a number: other
names, a wide table and further words are declared, and a sentence says what was made of them.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from .consistency import EMPTY
from .errors import TableError
from .keys import put_together
from .layout import some
from .measures import usually_higher

#: Methods with seeds as columns: a name that says 'seed', or a number after it.
SEED_WORD = re.compile(r'(?P<method>.+?)[ _.:-]*(?:seed|run)[ _.:-]*(?P<seed>\d+)', re.IGNORECASE)
SEED_NUMBER = re.compile(r'(?P<method>.+?)[ _.:-](?P<seed>\d+)')
#: Names that may be those of several columns together.
TOGETHER = ('image', 'subject')
#: Words of a note.
SHOWN = 4
#: Numbers from 0 to 1 whose median is at least this are rather overlaps than errors: as shares of a distance errors are
#: a tenth of it.
OVERLAP = 0.5


@dataclass(frozen=True)
class Foreign:
    """How somebody else's table is written.

    Attributes:
        columns: Our name of a column -> theirs.
        wide: What the numbers are of a table with a column per method; None: a row has one number.
        missing: Words that stand for a missing number beside the usual ones; None: none, and an empty number is
            refused.
        worksheet: Sheet of an Excel workbook; None: the first that is not empty.
        ignored: Columns that are left out, as if they were not there.
        groups: Columns that are declared as groups by their own name.
        metrics: Whether a metric of one's own takes further columns of numbers.
        datasets: Data sets that are analysed, in this order; empty: all.
        doubted: Whether it is asked what the errors of a wide table are that look like overlaps.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    wide: str | None = None
    missing: tuple[str, ...] | None = None
    worksheet: str | None = None
    ignored: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    metrics: bool = False
    datasets: tuple[str, ...] = ()
    doubted: bool = False

    @property
    def declared(self) -> bool:
        """Whether anything is said of how the table is written."""
        texts = (self.wide, self.missing, self.worksheet)
        return bool(self.columns or self.ignored or self.datasets) or any(text is not None for text in texts)


def parse_columns(texts: Iterable[str], known: Collection[str]) -> dict[str, str]:
    """``['method=model,image=case']`` to ``{'method': 'model', 'image': 'case'}``.

    Args:
        texts: Pairs, separated by commas.
        known: Our names.

    Raises:
        TableError: A text of another form, an unknown name of ours, a name given twice, or a score of which more is
            better for errors.
    """
    found: dict[str, str] = {}
    for text in [part for one in texts for part in one.split(',') if part.strip()]:
        ours, sign, theirs = (part.strip() for part in text.partition('='))
        if not (sign and ours and theirs):
            raise TableError(f'--columns: {text!r} is not of the form OURS=THEIRS, as in method=model')
        if ours not in known and not ours.startswith('group_'):
            near = difflib.get_close_matches(ours.lower(), known, 1)
            raise TableError(f'--columns: {ours}: no column that is read here; '
                             + (f'did you mean {near[0]}?' if near else f'there are {", ".join(known)}'))
        if ours in found or theirs in found.values():
            raise TableError(f'--columns: {ours if ours in found else theirs}: given twice; give it once')
        if ours == 'error' and usually_higher(theirs):
            raise TableError(f'--columns: {text}: of errors less is better, of {theirs} more is as a rule; leave '
                             f'it out and give --higher-is-better {theirs} (or --lower-is-better {theirs}, if less is)')
        found[ours] = theirs
    return found


def parts_of(ours: str, theirs: str) -> list[str]:
    """The columns whose names together are one: ``clinic+case`` of an image or a subject; empty where it is one."""
    parts = theirs.split('+')
    return parts if ours in TOGETHER and len(parts) > 1 and all(parts) else []


def renamed(frame: pd.DataFrame, columns: Mapping[str, str], where: str, notes: list[str],
            kept: Collection[str] = ()) -> pd.DataFrame:
    """The table with our names of columns; those that are parts of a name are left out.

    Args:
        frame: As it was read.
        columns: Our name -> theirs; of an image or a subject perhaps several, as ``clinic+case``.
        where: Begins messages.
        notes: Gets a sentence.
        kept: Parts of names that stay, as groups.

    Raises:
        TableError: The table lacks a column, or has one of our name already.
    """
    have = [str(name) for name in frame.columns]
    together = {ours: parts for ours, theirs in columns.items()
                if theirs not in have and {*(parts := parts_of(ours, theirs))} & {*have}}
    if together:
        if lost := [part for parts in together.values() for part in parts if part not in have]:
            raise TableError(f'{where}: no column {lost[0]}, which --columns names; there are {some(have, 12)}')
        made = {columns[ours]: put_together([frame[part] for part in parts]) for ours, parts in together.items()}
        gone = {part for parts in together.values() for part in parts} - {*kept, *columns.values()}
        frame = frame.drop(columns=[*gone]).assign(**made)
        have = [str(name) for name in frame.columns]
    for ours, theirs in columns.items():
        if theirs not in have:
            near = difflib.get_close_matches(theirs.lower(), [name.lower() for name in have], 1)
            hint = [name for name in have if near and name.lower() == near[0]]
            raise TableError(f'{where}: no column {theirs}, which --columns names; '
                             + (f'did you mean {hint[0]}?' if hint else f'there are {some(have, 12)}'))
        if ours in have and ours != theirs and ours not in columns.values():
            raise TableError(f'{where}: has a column {ours} beside {theirs}, which --columns takes for it; leave '
                             f'{ours}={theirs} out, or rename the other')
    if changed := [f'{theirs} is {ours}' for ours, theirs in columns.items() if ours != theirs]:
        notes.append(f'Columns: {", ".join(changed)}.')
    return frame.rename(columns={theirs: ours for ours, theirs in columns.items()})


def melted(frame: pd.DataFrame, numbers: str, keys: Collection[str], words: Sequence[str], where: str,
           notes: list[str]) -> pd.DataFrame:
    """A row per method (and seed) and image, of a table with a column for each method.

    Every column that is none of keys or groups is a method. Columns are seeds of methods where each says so
    (``unet_seed0``, ``unet run 1``), or where each ends in a number and two methods or more have the same numbers, two
    or more, from 0 or 1 on without a gap (``unet_0``, ``unet_1``, ``swin_0``, ``swin_1``); else each is a method with
    one run. Empty cells have no row.

    Args:
        frame: With our names of columns.
        numbers: What the numbers are: ``error`` or a score.
        keys: Columns that are no methods, beside groups.
        words: What stands for a missing number beside the usual words.
        where: Begins messages.
        notes: Gets sentences on what was taken for what.

    Raises:
        TableError: There is a column ``method`` or ``landmark``, no column ``image``, or fewer than two methods.
    """
    for name in ('method', 'landmark', numbers):
        if name in frame.columns:
            raise TableError(f'{where}: --wide is for a column per method, and there is a column {name}; leave --wide '
                             'out')
    if nameless := [place for place, name in enumerate(frame.columns, 1) if not str(name).strip()
                    or str(name).startswith('Unnamed: ')]:
        raise TableError(f'{where}: column {nameless[0]} has no name; name it, or remove it')
    if 'image' not in frame.columns:
        raise TableError(f'{where}: column image missing (it has {some([*map(str, frame.columns)], 8)}); name the '
                         'column of images, as in --columns image=case')
    fixed = [name for name in frame.columns if name in keys or str(name).startswith('group_')]
    methods = [str(name) for name in frame.columns if name not in fixed]
    if len(methods) < 2:
        raise TableError(f'{where}: --wide is for a column per method, and there is {some(methods) or "none"}; give at '
                         'least two')
    runs = seeds_of(methods)
    told = some(methods, SHOWN)
    if runs is not None and 'seed' in fixed:
        raise TableError(f'{where}: seeds stand in a column and in names of columns ({told}); keep one of both')
    if runs is not None:
        names = [*dict.fromkeys(name for name, _ in runs.values())]
        first = methods[0]
        notes.append(f'Wide: {len(methods)} columns ({told}) are {len(names)} methods with seeds: {first} is '
                     f'{runs[first][0]}, seed {runs[first][1]}.')
    else:
        notes.append(f'Wide: each of {len(methods)} columns ({told}) is a method'
                     + ('.' if 'seed' in fixed else '; seeds would be named unet_seed0, unet_seed1.'))
    parts = []
    for name in methods:
        rows = frame[fixed].assign(method=runs[name][0] if runs else name, **{numbers: frame[name].to_numpy()})
        if runs is not None:
            rows['seed'] = runs[name][1]
        parts.append(rows)
    found = pd.concat(parts, ignore_index=True)
    return without_missing(found, [numbers], words, notes)


def check_errors(values: Iterable[object], where: str) -> None:
    """Checks that numbers which nobody has named are no overlaps: none below 0 or above 1, and a high median.

    Args:
        values: Of a wide table; what is no number is left out.
        where: Begins the message.

    Raises:
        TableError: They look like overlaps.
    """
    numbers = np.array([*map(_number, values)])
    numbers = numbers[np.isfinite(numbers)]
    if len(numbers) and numbers.min() >= 0 and numbers.max() <= 1 and (half := float(np.median(numbers))) >= OVERLAP:
        raise TableError(f'{where}: --wide: all {len(numbers)} numbers lie between 0 and 1 and their median is '
                         f'{half:.2f}, as those of Dice and other overlaps do; say what they are: --wide dice '
                         '--higher-is-better dice where more is better, --wide error (or --unit mm) for errors')


def seeds_of(names: Sequence[str]) -> dict[str, tuple[str, int]] | None:
    """Column -> method and seed, where all columns are seeds of methods; see :func:`melted`."""
    for pattern, sure in ((SEED_WORD, True), (SEED_NUMBER, False)):
        matches = {name: pattern.fullmatch(name) for name in names}
        if not all(matches.values()):
            continue
        found = {name: (match['method'], int(match['seed'])) for name, match in matches.items() if match}
        numbers: dict[str, set[int]] = {}
        for method, seed in found.values():
            numbers.setdefault(method, set()).add(seed)
        # resnet-18 and resnet-34 are two methods, also beside vgg-18 and vgg-34.
        same = {*map(frozenset, numbers.values())} in [{frozenset(range(first, first + count))} for first in (0, 1)
                                                       for count in [max(map(len, numbers.values()))]]
        if len({*found.values()}) == len(found) and (sure or len(numbers) > 1 and same and len(found) > len(numbers)):
            return found
    return None


def without_missing(frame: pd.DataFrame, numbers: Sequence[str], words: Sequence[str],
                    notes: list[str]) -> pd.DataFrame:
    """The table without rows whose first number is missing; other numbers that are missing are empty.

    Args:
        frame: With our names of columns.
        numbers: Columns of errors or scores, the primary one first.
        words: What stands for a missing number beside the usual words.
        notes: Gets a sentence per column with how many were missing, by word.
    """
    frame, lost = frame.copy(), np.zeros(len(frame), dtype=bool)
    wanted = {word.strip().lower() for word in words}
    values = [value for value in map(_number, wanted) if not np.isnan(value)]
    for name in numbers:
        text = frame[name].astype(object).map(lambda cell: '' if pd.isna(cell) else _plain(cell))
        low = text.str.strip().str.lower()
        absent = low.isin({*EMPTY, *wanted}).to_numpy() | frame[name].map(_number).isin(values).to_numpy()
        if absent.any():
            counts = text[absent].str.strip().value_counts()
            said = some([f'{word or "empty"} {count}' for word, count in counts.items()])
            notes.append(f'{name}: {int(absent.sum())} of {len(frame)} are missing ({said}).')
            frame[name] = frame[name].astype(object).where(~absent, np.nan)
        lost = absent if name == numbers[0] else lost
    return frame[~lost].reset_index(drop=True)


def with_one_run(frame: pd.DataFrame, keys: Sequence[str], where: str, notes: list[str]) -> pd.DataFrame:
    """The table with seed 0, where it has neither seeds nor repetitions.

    Args:
        frame: With our names of columns.
        keys: Columns of keys.
        where: Begins messages.
        notes: Gets a sentence.

    Raises:
        TableError: Rows share all keys.
    """
    there = [name for name in keys if name in frame.columns]
    if {'seed', 'repetition', 'fold'} & {*map(str, frame.columns)} or not {'method', 'image'} <= {*there}:
        return frame
    if twice := int(frame.duplicated(there, keep=False).sum()):
        raise TableError(f'{where}: column seed missing, and {twice} rows share {", ".join(there)}; number the runs of '
                         'a method in a column seed (--columns seed=NAME, where it has another name)')
    notes.append('No column of seeds: each method has one run.')
    return frame.assign(seed=0)


def unlike(frame: pd.DataFrame, where: str) -> None:
    """Checks that no two columns have one name.

    Raises:
        TableError: Two have.
    """
    if twice := sorted({str(name) for name in frame.columns[frame.columns.duplicated()]}):
        raise TableError(f'{where}: column {", ".join(twice)} occurs more than once; keep one of them')


def _number(cell: object) -> float:
    """A cell as a number; NaN where it is none."""
    try:
        return float(cell)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return np.nan


def _plain(cell: object) -> str:
    return f'{cell:g}' if isinstance(cell, (float, np.floating)) else str(cell)
