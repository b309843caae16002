"""Several data sets in one table with a column ``dataset``, or in one each: read, and looked at before the analysis."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from ..consistency import differing_in_case
from ..errors import TableError
from ..foreign import Foreign
from ..layout import some
from ..measures import Score
from ..reading import checked, names_in, read_frame
from ..table import DATASET, name_texts

#: Names of folders that lie beside those of data sets.
TAKEN = ('report', 'elsewhere', 'runs', 'earlier')
#: Letters of a folder's name.
LONGEST = 80
#: Groups of methods that a message names.
SHOWN = 5


def read_tables(path: str | Path, missing_allowed: bool = False, scores: Sequence[Score] = (),
                foreign: Foreign | None = None) -> dict[str, pd.DataFrame]:
    """Read and validate a results table, which may be of several data sets.

    Args:
        path: As in :func:`..table.read_table`, as the others.
        missing_allowed: An empty error is a missing prediction.
        scores: Columns in the place of ``error``.
        foreign: How somebody else's table is written.

    Returns:
        Data set -> its validated table, in the order in which they begin; where the table has no column ``dataset``, or
        one name in it, '' -> the table.

    Raises:
        TableError: The file can't be read, or what it holds of a data set is not valid, which is then named.
    """
    frame, notes = read_frame(path, scores, foreign)
    if DATASET in frame.index.names and DATASET not in frame.columns:
        frame = frame.reset_index(level=DATASET)
    known = names_in(frame, foreign)
    names = name_texts(frame[DATASET], DATASET, str(path))[0] if DATASET in frame.columns and len(frame) else None
    if names is None and foreign is not None and foreign.datasets:
        raise TableError(f'--datasets: {path} has no column {DATASET}; name it (--columns {DATASET}=NAME)')
    if names is None:
        return {'': checked(frame, str(path), notes, missing_allowed, scores, known)}
    wanted = _wanted([*names.unique()], foreign, path)
    if alike := differing_in_case([*names.unique()]):
        told = some([' and '.join(map(repr, group)) for group in alike])
        notes.append(f'{DATASET}: {told} differ in capital and small letters only, and count as different.')
    if len(wanted) < 2:
        return {'': checked(frame[(names == wanted[0]).to_numpy()], str(path), notes, missing_allowed, scores, known)}
    rest = frame.drop(columns=DATASET)
    return {name: checked(rest[(names == name).to_numpy()], f'{path}: data set {name}', notes, missing_allowed, scores,
                          known) for name in wanted}


#: Columns that change what a row, or its error, is.
ROWS = ('landmark', 'condition', 'fold', 'repetition')


def read_files(paths: Sequence[Path], missing_allowed: bool = False, scores: Sequence[Score] = (),
               foreign: Foreign | None = None) -> dict[str, pd.DataFrame]:
    """Read and validate a results table of each data set, which goes by its file's name without the ending.

    Args:
        paths: At least two.
        missing_allowed: As in :func:`read_tables`, as the others.
        scores: Columns in the place of ``error``.
        foreign: How somebody else's tables are written, all alike.

    Returns:
        Data set -> its validated table, in the order of the paths, or of those that ``foreign`` names; of one data set
        '' -> the table.

    Raises:
        TableError: As of :func:`read_tables`; two files have one name, a table has a column ``dataset``, or rows of
            the tables are not of one kind.
    """
    known: dict[str, Path] = {}
    for path in paths:
        if path.stem in known:
            raise TableError(f'{path}: its data set is {path.stem}, as that of {known[path.stem]}; '
                             + ('give each file once' if path.resolve() == known[path.stem].resolve() else
                                'data sets go by their files\' names: rename one'))
        known[path.stem] = path
    wanted = _wanted([*known], foreign, 'the files')
    one = None if foreign is None else replace(foreign, datasets=())
    found: dict[str, pd.DataFrame] = {}
    first: dict[str, bool] = {}
    for name in wanted:
        path = known[name]
        frame, notes = read_frame(path, scores, one)
        if DATASET in (*frame.columns, *frame.index.names):
            raise TableError(f'{path}: has a column {DATASET}, and of several tables each is a data set; delete the '
                             f'column from this one, or put all into one table with a column {DATASET}')
        table = checked(frame, str(path), notes, missing_allowed, scores, names_in(frame, one))
        columns = {column: column in frame.columns for column in ROWS}
        if unlike := [column for column, there in columns.items() if there != (first or columns)[column]]:
            own, other = ('a', 'no') if columns[unlike[0]] else ('no', 'a')
            raise TableError(f'{path}: has {own} column {unlike[0]}, and {known[wanted[0]]} has {other}: their rows '
                             'mean different things; write both alike')
        first, found[name] = first or columns, table
    return found if len(found) > 1 else {'': next(iter(found.values()))}


def _wanted(there: Sequence[str], foreign: Foreign | None, where: str | Path) -> Sequence[str]:
    """The data sets that are asked for, in that order; all in their own where none is named.

    Raises:
        TableError: One is not there.
    """
    wanted = [*dict.fromkeys(foreign.datasets)] if foreign is not None else []
    if lost := [name for name in wanted if name not in there]:
        raise TableError(f'--datasets: {where}: no data set {lost[0]}; there are {some(there, 12)}')
    return wanted or there


def check_copies(tables: Mapping[str, pd.DataFrame]) -> None:
    """Checks that no data set is a copy of another: a copy would count twice, as if it were evidence of its own.

    Raises:
        TableError: All rows of two are the same.
    """
    seen: list[str] = []
    for name, table in tables.items():
        for other in seen:
            if table.equals(tables[other]):
                raise TableError(f'data set {name}: all its {len(table)} rows are those of {other}; a data set counts '
                                 'once: remove one of both')
        seen.append(name)


def common_methods(methods: Mapping[str, Iterable[str]], restrict: bool, notes: list[str]) -> list[str]:
    """Methods that all data sets have, in the order of the first.

    Args:
        methods: Data set -> its methods.
        restrict: Whether those that a data set lacks are left out; else they are refused.
        notes: Gets a sentence on what is left out.

    Raises:
        TableError: A data set lacks a method that another has, or fewer than two are common.
    """
    owners, lost = _owners(methods), lacking(methods)
    kept = [method for method in owners if method not in lost]
    whole = [name for name in methods if all(name in there for there in owners.values())]
    shown = ' '.join(map(shlex.quote, whole)) if len(whole) > 1 else 'NAME ...'
    if lost and not restrict:
        raise TableError(f'the data sets don\'t have the same methods: {_who_lacks(owners, [*methods])}. Score them '
                         'there too, leave such methods out (--common-methods), or analyse the data sets that have '
                         f'them (--datasets {shown})')
    if len(kept) < 2:
        raise TableError(f'the data sets have {some(kept) or "no method"} in common, and at least two are compared; '
                         f'leave out the data sets that lack methods (--datasets {shown})')
    if lost:
        told = some([f'{method} (not in {some(where)})' for method, where in lost.items()])
        notes.append(f'Left out, as not all data sets have them: {told}.')
    return kept


def lacking(methods: Mapping[str, Iterable[str]]) -> dict[str, list[str]]:
    """Method that not all data sets have -> the data sets without it; of data sets and their methods."""
    return {method: lost for method, there in _owners(methods).items()
            if (lost := [name for name in methods if name not in there])}


def _owners(methods: Mapping[str, Iterable[str]]) -> dict[str, list[str]]:
    """Method -> the data sets that have it."""
    owners: dict[str, list[str]] = {}
    for data_set, own in methods.items():
        for method in own:
            owners.setdefault(method, []).append(data_set)
    return owners


def _who_lacks(owners: Mapping[str, Sequence[str]], data_sets: Sequence[str]) -> str:
    """Which methods are in which data sets only, or in which they are not: whichever are fewer."""
    alike: dict[tuple[str, ...], list[str]] = {}
    for method, there in owners.items():
        if len(there) < len(data_sets):
            alike.setdefault(tuple(there), []).append(method)
    told = []
    for there, own in alike.items():
        verb, without = 'are' if len(own) > 1 else 'is', [name for name in data_sets if name not in there]
        told.append(f'{some(own)} {verb} ' + (f'not in {some(without)}' if len(without) < len(there) else
                                              f'only in {some(there)}'))
    return '; '.join(told[:SHOWN]) + (f'; and {len(told) - SHOWN} more such groups' if len(told) > SHOWN else '')


def folders(names: Iterable[str]) -> dict[str, str]:
    """Data set -> name of its folder: letters, digits, dots, hyphens and lines; all different whatever their case."""
    found: dict[str, str] = {}
    for name in names:
        plain = re.sub(r'[^\w.-]+', '_', name)[:LONGEST].strip('._') or 'data_set'
        taken, own, number = {*TAKEN, *(one.lower() for one in found.values())}, plain, 1
        while own.lower() in taken:
            number += 1
            own = f'{plain}_{number}'
        found[name] = own
    return found
