"""The tidy results table: one row per method, condition, seed, image and landmark.

Only ``method``, ``seed``, ``image`` and ``error`` are required. Without ``landmark`` a row is a whole image
and ``error`` is the image's; without ``condition`` there is one, named ``all``. ``between_<pair>`` and
``between_mm_<pair>`` hold the distance between two annotators of the landmark, the same in all runs, ``x_by_<name>``
and ``y_by_<name>`` an annotator's own position. ``error_photo`` is the error in pixels of the photograph, ``scale_x``
and ``scale_y`` how many units of ``error`` such a pixel is, across and down: with them errors of inputs of several
sizes and proportions are compared (:mod:`.units`). ``trained`` is false in rows of landmarks that the run could not
learn (:mod:`.untrained`). ``fold`` makes the table one of a cross-validation (:mod:`.fold_tables`). Columns of scores
may stand in the place of ``error`` (:mod:`.score_columns`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from .arrays import Masks
from .consistency import EMPTY, LOST_BY_CAP, canonical, differing_in_case, seen_by_runs, spellings
from .errors import TableError
from .fold_tables import FOLD, REPETITION, check_folds, name_repetitions, seeds_as_folds
from .foreign import unlike
from .keys import as_name, named_by, one_key
from .layout import some
from .measures import FURTHER, Score
from .scale import SCALES
from .score_columns import SCORES, with_scores

REQUIRED = ('method', 'seed', 'image', 'error')
KEYS = ('condition', 'method', 'seed', 'image', 'landmark')
NAMES = ('method', 'condition', 'image', 'subject', 'landmark')
DISTANCES = ('error', 'error_input', 'error_mm', 'error_photo')
COORDINATES = ('x', 'y', 'x_true', 'y_true')
NUMBERS = (*DISTANCES, *SCALES, 'normalizer', *COORDINATES, 'score')
#: Columns of distances between two annotators of a landmark: in the unit of the errors, and in millimetres.
BETWEEN, BETWEEN_MM = 'between_', 'between_mm_'
#: And of a further annotator's positions.
X_BY, Y_BY = 'x_by_', 'y_by_'
#: What the annotation that methods are compared with is called beside further annotators.
REFERENCE = 'reference'
ROWS_SHOWN = 5
#: What a table with a column per landmark or method lacks.
WIDE = (['error'], ['method', 'error'], ['method', 'seed', 'error'], [*REQUIRED])
#: Which of several data sets a row is of (:mod:`.across.tables`).
DATASET = 'dataset'
#: Prefix of columns of groups.
GROUP = 'group_'
#: Where a table carries sentences on how it was read.
NOTES = 'notes'
LARGEST = 1e100


def validate(frame: pd.DataFrame, where: str = 'table', missing_allowed: bool = False,
             scores: Sequence[Score] = (), names: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Check a results table and bring it into canonical form.

    Args:
        frame: Any data frame; it is not changed.
        where: Name used in messages.
        missing_allowed: An empty error is a missing prediction, and not refused.
        scores: Columns that take the place of ``error``, the primary one first.
        names: Our name of a column -> the file's, for messages; with ``dataset`` where its data sets are known.

    Returns:
        A copy with ``condition`` filled in, names as categories in the order of their text, numbers as float64, seeds
        as int64, sorted by condition, method, seed, image and (where there is one) landmark. Columns that stand in the
        index are taken from there. Names that look the same (Unicode's forms, kinds of blanks) are one name.
        ``attrs['notes']`` holds sentences on what was read otherwise than written, ``attrs['scores']`` the scores.

    Raises:
        TableError: A column is missing, a name is empty, a number is not usable, or a key occurs twice.
    """
    if frame.columns.nlevels > 1:
        raise TableError(f'{where}: {frame.columns.nlevels} levels of column names; give one row per method, seed, '
                         "image and landmark, as pandas' stack or melt makes them")
    levels = [name for name in frame.index.names if is_read(name) and name not in frame.columns]
    frame = frame.reset_index(level=levels) if levels else frame
    notes: list[str] = []
    frame = name_repetitions(frame)
    if scores:
        taken = [name for name in frame.columns if name in (*NUMBERS, 'trained')] + of_annotators(frame.columns)
        frame = with_scores(frame, scores, taken, (*KEYS, *NAMES, FOLD, REPETITION, 'split'), where, notes)
    missing = [name for name in REQUIRED if name not in frame.columns]
    if missing:
        have = [str(name) for name in frame.columns]
        alike = [name for name in have if canonical(name).lower() in missing]
        remedy = (f'{", ".join(REQUIRED)} are required: name others with --columns method=model,image=case, and a '
                  'column of scores in the place of error with --score NAME')
        if alike:
            remedy = f'write {", ".join(map(repr, alike))} in small letters'
            if any(canonical(name) != name for name in alike):
                remedy += ', without further blanks'
        elif missing in WIDE and len(_numeric(frame)) > 1:
            remedy = (f'with a column for each of {some([*map(str, _numeric(frame))], 3)} the table is wide: give one '
                      'row per landmark (or per method), with columns landmark and error, as pandas.melt does '
                      '(--wide, if each is a method)')
        raise TableError(f'{where}: column{"s" if len(missing) > 1 else ""} {", ".join(missing)} missing (it has '
                         f'{", ".join(have) or "none"}); {remedy}')
    unlike(frame, where)
    if frame.empty:
        raise TableError(f'{where}: the table has no rows; was any run finished?')
    frame = frame.reset_index(drop=True).copy()
    if 'split' in frame.columns and frame['split'].nunique(dropna=False) > 1:
        raise TableError(
            f'{where}: field split: rows of {", ".join(sorted(map(str, frame["split"].unique())))}; keep those of one '
            'split, as a rule test'
        )
    if 'condition' not in frame.columns:
        frame['condition'] = 'all'
    merged = False
    for name in NAMES:
        if name in frame.columns:
            frame[name], every = name_texts(frame[name], name, where)
            different = [*dict.fromkeys(every)]
            written = sum(1 for text in every if text)
            if (count := sum(1 for text in different if text)) < written:
                merged = True
                notes.append(f'{name}: {written} spellings are {count} name{"s" if count != 1 else ""}, without blanks '
                             'around them and with numbers as text.')
            if same := spellings(different):
                merged = True
                frame[name] = named_by(frame[name], [same.get(text, text) for text in frame[name].cat.categories])
                notes.append(f'{name}: {some(sorted({*map(repr, same.values())}))}: spelt in several ways that look '
                             "the same (Unicode's forms, kinds of blanks) and taken for one name.")
                different = [*pd.unique(frame[name])]
            if groups := differing_in_case(different):
                notes.append(f'{name}: {some([" and ".join(map(repr, names)) for names in groups])} differ in capital '
                             'and small letters only, and count as different.')
    frame['seed'] = _seeds(frame['seed'], where)
    if FOLD in frame.columns:
        frame[FOLD] = name_texts(frame[FOLD], FOLD, where)[0].astype(object)
    else:
        frame = seeds_as_folds(frame, where, notes)
    between = of_annotators(frame.columns)
    if named := [name for name in between if name in (X_BY + REFERENCE, Y_BY + REFERENCE)]:
        raise TableError(f'{where}: field {named[0]}: {REFERENCE} is the name of the annotation that methods are '
                         'compared with (x_true, y_true); give the further annotator another one')
    further = [name for name in frame.columns if str(name).startswith(FURTHER)]
    for name in (*NUMBERS, *between, *further):
        if name in frame.columns:
            shown = (scores[0].name if name == 'error' else str(name).removeprefix(FURTHER)) if scores else None
            frame[name] = _numbers(frame[name], name, where, missing_allowed, frame, shown)
    if 'trained' in frame.columns:
        frame['trained'] = _flags(frame['trained'], 'trained', where)
    if FOLD in frame.columns:
        check_folds(frame, where, missing_allowed)
    keys = [name for name in KEYS if name in frame.columns]
    key = one_key(frame, keys)
    order = np.argsort(key, kind='stable')
    if (np.diff(key[order]) == 0).any():
        repeated = frame.duplicated(keys, keep=False).to_numpy()
        remedy = 'keep one row for each' + ('' if 'landmark' in keys else ', or add a column landmark')
        apart = next((name for name in frame.columns if isinstance(name, str) and not is_read(name)
                      and not frame[[*keys, name]].duplicated().any()), None)
        if apart:
            image = (names or {}).get('image', 'image')
            remedy = (f'column {apart} tells them apart: if each of its values has images of its own, make it a part '
                      f'of their names, with --columns image={apart}+{image}; '
                      + ('' if DATASET in (names or ()) else f'if each is a data set, give --columns dataset={apart}; ')
                      + 'else keep the rows of one')
        elif merged:
            remedy += " (names are the same here that differ in blanks or in Unicode's forms only)"
        elif frame[repeated].duplicated(keep=False).all():
            remedy = 'they are copies of each other: remove them but for one' + (
                '' if 'landmark' in keys else ', or add a column landmark')
        raise TableError(f'{where}: {_rows(repeated)} share the same {", ".join(keys)}; {remedy}')
    table = frame.take(order).reset_index(drop=True)
    table.attrs = {**({NOTES: notes} if notes else {}), **({SCORES: tuple(scores)} if scores else {})}
    return table


def has_positions(rows: pd.DataFrame) -> bool:
    """Whether rows are landmarks with their predicted and annotated positions."""
    return 'landmark' in rows.columns and {*COORDINATES} <= {*rows.columns}


def of_annotators(columns: Iterable[object]) -> list[str]:
    """Those of annotators among columns: distances, and positions of which both x and y are there."""
    names = [name for name in columns if isinstance(name, str)]
    return [name for name in names if name.startswith(BETWEEN)
            or name.startswith(X_BY) and Y_BY + name.removeprefix(X_BY) in names
            or name.startswith(Y_BY) and X_BY + name.removeprefix(Y_BY) in names]


def is_read(name: object) -> bool:
    """Whether a name is that of a column which is read here."""
    known = (*KEYS, *NAMES, *NUMBERS, 'split', FOLD, REPETITION, DATASET, 'look', 'trained')
    return isinstance(name, str) and (name in known
                                      or name.startswith((BETWEEN, X_BY, Y_BY, GROUP)))


def _numeric(frame: pd.DataFrame) -> list[object]:
    """Columns of numbers that have no name which is read here."""
    def whole(column: pd.Series) -> bool:
        number = pd.to_numeric(column.astype(object), errors='coerce')
        return bool(number.notna().any() and (number.notna() | column.isna()).all())
    return [name for name in frame.columns if not is_read(name) and whole(frame[name])]


def name_texts(column: pd.Series, name: str, where: str) -> tuple[pd.Series, list[str]]:
    """A column of names as categories, and one for each spelling; empty ones are refused, except for subjects."""
    codes, found = pd.factorize(column)
    every = [as_name(value).strip() for value in found] + [''] * bool((codes < 0).any())
    names = named_by(pd.Series(pd.Categorical.from_codes(np.where(codes < 0, len(found), codes), range(len(every))),
                               index=column.index), every)
    if '' in every and name != 'subject':
        raise TableError(f'{where}: field {name}: empty in {_rows((names == "").to_numpy())}; fill it in or remove '
                         'these rows')
    return names, every


def _flags(column: pd.Series, name: str, where: str) -> pd.Series:
    """A column of yes and no as bool."""
    if column.dtype == bool:
        return column
    known = {'true': True, '1': True, 'false': False, '0': False}
    found = column.map(lambda value: known.get(str(value).strip().lower()))
    if (bad := found.isna().to_numpy()).any():
        raise TableError(f'{where}: field {name}: neither true nor false in {_rows(bad)}; write one of both')
    return found.astype(bool)


def _seeds(column: pd.Series, where: str) -> pd.Series:
    """The seeds as int64."""
    try:
        codes, found = pd.factorize(column)
    except TypeError:  # Lists and the like, which are refused below.
        codes, found = np.arange(len(column)), column
    different = pd.to_numeric(pd.Series(found, dtype=object), errors='coerce').astype('float64')
    number = pd.Series(np.append(different.to_numpy(), np.nan)[codes], index=column.index)
    bad = ~(np.abs(number.to_numpy()) < 2**53) | (number % 1 != 0).to_numpy()
    if bad.any():
        raise TableError(
            f'{where}: field seed: not a whole number in {_rows(bad)}{_first(column, bad)}; number the repetitions 0, '
            '1, ...'
        )
    return number.astype('int64')


def _numbers(column: pd.Series, name: str, where: str, missing_allowed: bool, frame: pd.DataFrame,
             score: str | None = None) -> pd.Series:
    """A column of numbers as float64; what can't be a distance is refused, but of scores.

    Args:
        column: As it was read.
        name: Its name here; a score that stands for errors is ``error``.
        where: Begins messages.
        missing_allowed: An empty error is a missing prediction.
        frame: The table, for its condition, method, seed and image.
        score: The score that it is; None: none.
    """
    shown = score or name
    if column.dtype.kind in 'bmM':
        raise TableError(f'{where}: field {shown}: of type {column.dtype}; give numbers')
    column = column.astype(object) if isinstance(column.dtype, pd.CategoricalDtype) else column
    number = pd.to_numeric(column, errors='coerce').astype('float64')
    value = number.to_numpy()
    text = np.isnan(value) & ~column.isna().to_numpy()
    if text.any():
        text[text] = ~column[text].astype(str).str.strip().str.lower().isin(EMPTY).to_numpy()
    if text.any():
        raise TableError(
            f'{where}: field {shown}: not a number in {_rows(text)}{_first(column, text)}; use a decimal point and no '
            f'units{_if_missing(column, text, name, score)}'
        )
    if name == 'error' and not missing_allowed and np.isnan(value).any():
        tested = seen_by_runs(frame[[*KEYS[:4]]].assign(error=value))
        few = all((~images).mean() <= LOST_BY_CAP for images in tested.values())
        raise TableError(
            f'{where}: field {shown}: NaN in {_rows(np.isnan(value))}; '
            f'{"a landmark without annotation has no row; " if score is None else ""}'
            + ('for missing predictions declare what they count as (--missing-cap, or missing_cap in the plan)' if few
               else 'score all runs on the same images')
            + '; --na leaves such images out')
    if np.isinf(value).any():
        raise TableError(
            f'{where}: field {shown}: infinite in {_rows(np.isinf(value))}; correct or remove these rows'
        )
    if (np.abs(value) > LARGEST).any():
        raise TableError(f'{where}: field {shown}: beyond {LARGEST:g} in {_rows(np.abs(value) > LARGEST)}; correct or '
                         'remove these rows')
    if score is None and (name in DISTANCES or name.startswith(BETWEEN)) and (value < 0).any():
        remedy = 'a distance is at least 0'
        if len(set(value[value < 0])) == 1:
            remedy += f'; where {value[value < 0][0]:g} stands for a missing prediction leave the cell empty'
        raise TableError(f'{where}: field {shown}: negative in {_rows(value < 0)}; {remedy}')
    if name in ('normalizer', *SCALES) and (value <= 0).any():
        raise TableError(
            f'{where}: field {shown}: not above 0 in {_rows(value <= 0)}; leave it empty if unknown'
        )
    return number


def _rows(mask: Masks) -> str:
    """'data rows 1, 4, 9 and 20 more', counted from 1."""
    rows = np.flatnonzero(mask) + 1
    shown = ', '.join(map(str, rows[:ROWS_SHOWN]))
    more = f' and {len(rows) - ROWS_SHOWN} more' if len(rows) > ROWS_SHOWN else ''
    return f'data row{"s" if len(rows) > 1 else ""} {shown}{more}'


def _first(column: pd.Series, mask: Masks) -> str:
    """The first value that is meant, as in ' (as in 'run1')'; nothing for empty ones."""
    value = column[mask].iloc[0]
    return '' if pd.isna(value) or str(value).strip() == '' else f' (as in {str(value).strip()[:30]!r})'


def _if_missing(column: pd.Series, mask: Masks, name: str, score: str | None) -> str:
    """How a word is declared that stands for a missing number."""
    word = str(column[mask].iloc[0]).strip()
    told = (name == 'error' or score is not None) and not any(sign.isdigit() for sign in word) and len(word) <= 20
    return f'; where it means a missing one, give --na {word}' if told else ''
