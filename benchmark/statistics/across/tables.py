"""Several data sets in one table with a column ``dataset``: read, and looked at before they are analysed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from ..consistency import differing_in_case
from ..errors import TableError
from ..foreign import Foreign
from ..layout import some
from ..measures import Score
from ..reading import checked, read_frame
from ..table import DATASET, name_texts

#: Names of folders that lie beside those of data sets.
TAKEN = ('report', 'elsewhere', 'runs', 'earlier')
#: Letters of a folder's name.
LONGEST = 80


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
    names = name_texts(frame[DATASET], DATASET, str(path))[0] if DATASET in frame.columns and len(frame) else None
    if names is None or names.nunique() < 2:
        return {'': checked(frame, str(path), notes, missing_allowed, scores)}
    if alike := differing_in_case([*names.unique()]):
        told = some([' and '.join(map(repr, group)) for group in alike])
        notes.append(f'{DATASET}: {told} differ in capital and small letters only, and count as different.')
    rest = frame.drop(columns=DATASET)
    return {name: checked(rest[(names == name).to_numpy()], f'{path}: data set {name}', notes, missing_allowed, scores)
            for name in names.unique()}


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
    owners: dict[str, list[str]] = {}
    for data_set, own in methods.items():
        for method in own:
            owners.setdefault(method, []).append(data_set)
    lost = {method: [name for name in methods if name not in there] for method, there in owners.items()
            if len(there) < len(methods)}
    kept = [method for method in owners if method not in lost]
    if lost and not restrict:
        method, where = next(iter(lost.items()))
        more = f' (and {len(lost) - 1} more such methods)' if len(lost) > 1 else ''
        raise TableError(f'data set {where[0]}: has no method {method}, which {owners[method][0]} has{more}; score it '
                         'there too, or leave out what not all data sets have (--common-methods)')
    if len(kept) < 2:
        raise TableError(f'the data sets have {some(kept) or "no method"} in common; at least two methods are compared')
    if lost:
        told = some([f'{method} (not in {some(where)})' for method, where in lost.items()])
        notes.append(f'Left out, as not all data sets have them: {told}.')
    return kept


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
