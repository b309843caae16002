"""Columns of somebody else's table that nothing reads: told in a note; asked about where they may keep rows apart.

A table's ``clinic`` may be four data sets, its ``patient`` the persons of several images each, and a mean over all of
it looks like any other. What such a column is, only who has made the table knows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmark.utils.person import looks_like_person

from .arrays import Integers
from .consistency import EMPTY
from .errors import TableError
from .fold_tables import FOLD, REPETITION
from .keys import joined_codes
from .layout import some
from .table import DATASET, GROUP, is_read

_MORE = r's?([ _.-]?(id|ids|no|nr|num|number|code|key|name|names|label))?'
#: Words for parts of the data of which one is tested.
_SPLITS = frozenset(('train', 'training', 'val', 'valid', 'validation', 'dev', 'test', 'testing'))
#: What makes a row a number of some run.
_RUN = ('condition', 'method', 'seed', REPETITION, FOLD)
SHOWN = 12


def _like(words: str) -> Callable[[str], bool]:
    pattern = re.compile(f'({words}){_MORE}', re.IGNORECASE)
    return lambda name: bool(pattern.fullmatch(name))


@dataclass(frozen=True)
class Role:
    """What an unread column may be.

    Attributes:
        what: In words.
        ours: The columns that say it; where one of them is there the role is filled.
        named: Whether a name is one of the role.
        remedy: What declares it, with ``{0}`` for the name.
        words: Of which the column has one, in small letters; empty: any.
    """

    what: str
    ours: tuple[str, ...]
    named: Callable[[str], bool]
    remedy: str
    words: frozenset[str] = frozenset()


_STRATA = '--groups {0} compares its strata'
#: In the order in which they are asked about.
ROLES = (
    Role('the data set', (DATASET,), _like(
        r'(.*[ _.-])?data[ _.-]?(set|base)|cohort|clinic|hospital|institut(e|ion)|cent(er|re)|site|domain|corpus'),
        f'--columns dataset={{0}} analyses each by itself and all together, {_STRATA}'),
    Role('the fold of a cross-validation', (FOLD,), _like(r'(.*[ _.-])?(k|cv)?[ _.-]?fold|cv'),
         '--columns fold={0} says that it is'),
    Role('the split', ('split',), _like('(.*[ _.-])?split|subset|partition|phase'),
         'keep the rows of one, as a rule test', _SPLITS),
    Role('the person', ('subject',), looks_like_person,
         '--columns subject={0} lets a person count once, however many images there are'),
    Role('what several images are of', ('subject',),
         _like('video|clip|sequence|series|volume|scan|study|exam|recording'),
         '--columns subject={0} lets its images count as one, as they depend on each other'),
    Role('the seed', ('seed', REPETITION), _like(r'(random[ _.-]?)?seed|run|trial|replicat(e|ion)|rep(eat)?|restart'),
         '--columns seed={0} says that it is'),
    Role('the annotator', (), _like(r'(.*[ _.-])?(annotator|rater|observer|reader|labell?er|grader|examiner)'),
         f'keep the rows of one (others go into columns x_by_NAME and y_by_NAME), or {_STRATA}'),
    Role('the landmark', ('landmark',), _like('landmark|(key)?[ _.-]?point|joint'), '--columns landmark={0} says that '
         'it is'),
    Role('the state of training', (), _like('(.*[ _.-])?(epoch|checkpoint|ckpt|iteration)'),
         'keep the rows of one for each run'),
    Role('a group', (), _like('(sub)?[ _.-]?(group|population)|strat(um|a)|subset'), _STRATA),
)


def check_unread(frame: pd.DataFrame, taken: Collection[str], numbers_taken: bool, where: str,
                 notes: list[str], image_named: str = 'image') -> None:
    """Tells which columns are not read, and asks where one may hold what belongs apart.

    Nothing is said of columns that change nothing: of one value, numbers of rows, and names of what has a name already.

    Args:
        frame: With our names of columns, a row per method (and seed) and image.
        taken: Columns that are read although they have no name of ours: scores, declared groups.
        numbers_taken: Whether a metric of one's own takes columns of numbers.
        where: Begins the message.
        notes: Gets a sentence on columns that are not read.
        image_named: The file's name of the column of images.

    Raises:
        TableError: A column looks like what keeps rows apart, has several values and is no property of a run.
    """
    frame = frame.reset_index(level=[name for name in frame.index.names if is_read(name) and name not in frame.columns])
    columns = {str(name): _simple(frame[name]) for name in frame.columns}
    names = [name for name, column in columns.items() if not is_read(name) and name not in taken
             and not (numbers_taken and column.dtype.kind == 'f')]
    if not names or not {'method', 'image'} <= {*columns}:
        return
    known = {name: _codes(columns[name]) for name in columns if is_read(name) and name in (
        *_RUN, 'image', 'landmark', 'subject', DATASET)}
    run = _joined([known[name] for name in _RUN if name in known])
    told, stratum = [], ''
    for name in names:
        codes = _codes(columns[name])
        if _harmless(columns[name], codes, [*known.values(), run]):
            continue
        apart = _pairs(run, codes) > _count(run) and not _measured(columns[name])
        if apart and (role := _role(name, columns[name], columns)):
            image = known['image']
            more = (f'; rows of one image differ in it: where images share a name, make {name} a part of it '
                    f'(--columns image={name}+{image_named})'
                    if role.ours == ('subject',) and _pairs(image, codes) > _count(image)
                    else '')
            raise TableError(f'{where}: column {name} ({_count(codes)} values) is not read, and looks like {role.what}:'
                             f' {role.remedy.format(name)}; --ignore {name} says that it is nothing{more}')
        told.append(name)
        if apart and ROLES[0].named(name):
            stratum = stratum or name
    if told:
        notes.append(f'Not read: {some(told, SHOWN)} (--columns says what a column is, --score that it is a score, '
                     '--ignore that it is nothing).'
                     + (f' {stratum} may be strata within the data sets: --groups {stratum} compares them.'
                        if stratum else ''))


def without(frame: pd.DataFrame, ignored: Collection[str], where: str) -> pd.DataFrame:
    """The table without the columns of ``--ignore``.

    Raises:
        TableError: It has no such column.
    """
    have = [str(name) for name in frame.columns]
    if lost := [name for name in ignored if name not in have]:
        raise TableError(f'{where}: no column {lost[0]}, which --ignore names; there are {some(have, SHOWN)}')
    return frame.drop(columns=[name for name in frame.columns if str(name) in ignored])


def check_methods(frame: pd.DataFrame, keys: Collection[str], words: Sequence[str], where: str) -> None:
    """Checks that each column of a wide table that is no key can be a method.

    Args:
        frame: The wide table.
        keys: Columns of keys; groups are none of the methods either.
        words: What stands for a missing number beside the usual words.
        where: Begins the message.

    Raises:
        TableError: One holds text, or whole numbers under a name of what keeps rows apart.
    """
    methods = [name for name in frame.columns if name not in keys and not str(name).startswith(GROUP)]
    absent = {*EMPTY, *(word.strip().lower() for word in words)}
    for name in methods:
        text = frame[name].astype(object).map(lambda cell: '' if pd.isna(cell) else str(cell).strip())
        text = text[~text.str.lower().isin(absent)]
        numbers = pd.to_numeric(text, errors='coerce')
        role = _role(str(name), text, [one for one in frame.columns if one not in methods])
        declared = role.remedy.format(name) if role else f'--columns group_{name}={name} makes it a group'
        wide = f'each column that is no key is a method of a wide table: {declared}, --ignore {name} leaves it out'
        if len(text) and numbers.isna().all():
            raise TableError(f'{where}: column {name} holds text (as in {text.iloc[0][:30]!r}), and {wide}')
        if role and role.ours and len(text) and (numbers % 1 == 0).all():
            raise TableError(f'{where}: column {name} looks like {role.what}, and {wide}')


def _role(name: str, column: pd.Series, filled: Collection[str]) -> Role | None:
    """The first role that a column's name has, of those that no other column fills."""
    for role in ROLES:
        if role.named(name) and not {*role.ours} & {*filled}:
            if not role.words or role.words & {str(value).strip().lower() for value in column.unique()}:
                return role
    return None


def _simple(column: pd.Series) -> pd.Series:
    """A column whose values can be compared: lists and the like, as of further positions, as text."""
    if column.dtype == object:
        try:
            pd.factorize(column)
        except TypeError:
            return column.map(str)
    return column


def _codes(column: pd.Series) -> Integers:
    """A number for each value, blanks around it aside; -1: empty."""
    codes, found = ((column.cat.codes.to_numpy(), column.cat.categories)
                    if isinstance(column.dtype, pd.CategoricalDtype) else pd.factorize(column))
    again, texts = pd.factorize(np.array([str(value).strip() for value in found], dtype=object))
    again = np.where(np.array([text == '' for text in texts], dtype=bool)[again], -1, again) if len(found) else again
    places: Integers = np.append(again, -1)[codes].astype(np.int64)
    return places


def _joined(several: list[Integers]) -> Integers:
    """A number for each combination; the empty value is one like the others where there are several."""
    return several[0] if len(several) == 1 else joined_codes([(codes + 1, int(codes.max(initial=0)) + 2)
                                                              for codes in several])


def _count(codes: Integers) -> int:
    """How many values there are, without the empty one."""
    return len(np.unique(codes[codes >= 0]))


def _pairs(one: Integers, other: Integers) -> int:
    """How many combinations of two there are."""
    return len(np.unique(_joined([one, other])))


def _measured(column: pd.Series) -> bool:
    """Whether a column has numbers with decimals, which name nothing."""
    number = pd.to_numeric(column.astype(object), errors='coerce')
    return bool((number % 1 > 0).any())


def _harmless(column: pd.Series, codes: Integers, keys: list[Integers]) -> bool:
    """Whether a column has one value, numbers rows, or is another name of what a key names."""
    count = _count(codes)
    if count < 2:
        return True
    if count == len(codes):
        number = pd.to_numeric(column.astype(object), errors='coerce')
        return bool((number.isna() | (number % 1 == 0)).all())
    return any(count == _count(key) == _pairs(codes, key) for key in keys)
