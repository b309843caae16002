"""Results tables from files, in any form that is read here, to the one that :mod:`.table` checks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path

import pandas as pd

from benchmark.utils.delimited import DelimitedError, decimal_comma, parse_delimited, read_delimited
from benchmark.utils.workbook import WorkbookError, sheet_text

from .errors import TableError
from .fold_tables import FOLD, REPETITION
from .foreign import Foreign, check_errors, melted, parts_of, renamed, unlike, with_one_run, without_missing
from .layout import some
from .measures import Score
from .plain_text import read_plain
from .table import DATASET, GROUP, KEYS, NAMES, NOTES, NUMBERS, REQUIRED, of_annotators, validate
from .unread import check_methods, check_unread, without

WORKBOOKS = ('.xlsx', '.xlsm')
SPREADSHEETS = ('.xls', '.ods', '.numbers')


def read_table(path: str | Path, missing_allowed: bool = False, scores: Sequence[Score] = (),
               foreign: Foreign | None = None) -> pd.DataFrame:
    """Read and validate a results table.

    Args:
        path: A ``.csv`` or ``.parquet`` file, or an Excel workbook.
        missing_allowed: An empty error is a missing prediction, and not refused.
        scores: Columns that take the place of ``error``, the primary one first.
        foreign: How somebody else's table is written; None: it is one of ours, of which further columns are no matter.

    Returns:
        The table in a canonical order, so that the order of the input's rows changes nothing.

    Raises:
        TableError: The file can't be read, or its content is not a valid results table.
    """
    frame, notes = read_frame(path, scores, foreign)
    return checked(frame, str(path), notes, missing_allowed, scores, names_in(frame, foreign))


def checked(frame: pd.DataFrame, where: str, notes: Sequence[str], missing_allowed: bool,
            scores: Sequence[Score], names: Mapping[str, str]) -> pd.DataFrame:
    """:func:`.table.validate`, with the notes of :func:`read_frame` before its own."""
    table = validate(frame, where, missing_allowed, scores, names)
    if notes:
        table.attrs[NOTES] = [*notes, *table.attrs.get(NOTES, [])]
    return table


def names_in(frame: pd.DataFrame, foreign: Foreign | None) -> dict[str, str]:
    """Our name of a column -> that in the file, where it is another; and ``dataset``, where there is such a column."""
    return {**({DATASET: DATASET} if DATASET in frame.columns else {}), **(foreign.columns if foreign else {})}


def read_frame(path: str | Path, scores: Sequence[Score] = (),
               foreign: Foreign | None = None) -> tuple[pd.DataFrame, list[str]]:
    """A table with our columns, not validated, and sentences on how it was read; see :func:`read_table`."""
    path = Path(path)
    if not path.is_file():
        raise TableError(f'{path}: no such file; give a results table (.csv or .parquet)')
    kind = path.suffix.lower()
    if kind in SPREADSHEETS:
        raise TableError(f'{path}: a spreadsheet; save the sheet as CSV (UTF-8) and give that')
    if kind not in ('.csv', '.tsv', '.txt', '.parquet', *WORKBOOKS):
        raise TableError(f'{path}: unknown file type {kind!r}; give a .csv or a .parquet file')
    if foreign is not None and foreign.worksheet is not None and kind not in WORKBOOKS:
        raise TableError(f'--worksheet: {path} is no Excel workbook; leave it out')
    remarks: list[str] = []
    notes: list[str] = []
    try:
        frame = (pd.read_parquet(path) if kind == '.parquet'
                 else _read_text(path, remarks, notes, scores, foreign or Foreign()))
    except DelimitedError as exc:
        raise TableError(f'{path}: {exc}') from exc
    except WorkbookError as exc:
        raise TableError(str(exc)) from exc
    except Exception as exc:
        raise TableError(
            f'{path}: not a readable {kind[1:]} file ({_one_line(exc)}); write it again'
        ) from exc
    notes += [f'{path.name}: {", ".join(remarks)}.'] if remarks else []
    return _in_our_form(frame, scores, foreign, str(path), notes), notes


def _in_our_form(frame: pd.DataFrame, scores: Sequence[Score], foreign: Foreign | None, where: str,
                 notes: list[str]) -> pd.DataFrame:
    """Somebody else's table with our columns, a row per method and without rows that have no number."""
    asked, foreign = foreign is not None, foreign or Foreign()
    unlike(frame, where)
    if foreign.ignored:
        frame = without(frame, foreign.ignored, where)
    if foreign.columns:
        frame = renamed(frame, foreign.columns, where, notes, foreign.groups)
    if foreign.wide is not None:
        if scores and (foreign.wide,) != (*(one.name for one in scores),):
            raise TableError(f'--wide: {foreign.wide}: a table with a column per method has one kind of numbers, and '
                             f'scores are {some([one.name for one in scores])}; name the same one')
        keys = (*KEYS, DATASET, 'subject', FOLD, REPETITION, 'split', 'look', *foreign.groups)
        if 'image' in frame.columns and 'method' not in frame.columns:
            check_methods(frame, keys, foreign.missing or (), where)
        frame = melted(frame, foreign.wide, keys, foreign.missing or (), where, notes)
        if foreign.doubted:
            check_errors(frame[foreign.wide], where)
    elif foreign.missing is not None:
        numbers = [name for name in ([one.name for one in scores] or ['error']) if name in frame.columns]
        frame = without_missing(frame, numbers, foreign.missing, notes) if numbers else frame
    if asked:
        taken = (*(one.name for one in scores), *foreign.groups)
        check_unread(frame, taken, foreign.metrics, where, notes, foreign.columns.get('image', 'image'))
    declared = scores or foreign.columns or foreign.wide is not None
    return with_one_run(frame, (*KEYS, DATASET), where, notes) if declared else frame


def _read_text(path: Path, remarks: list[str], notes: list[str], scores: Sequence[Score],
               foreign: Foreign) -> pd.DataFrame:
    """A delimited file as text, numbers with decimal points: a method named "NA" is a name, not a missing value."""
    own = [one.name for one in scores]
    wanted = [foreign.columns.get(name, name) for name in ((*REQUIRED[:3], *own) if scores else REQUIRED)]
    wanted += parts_of('image', foreign.columns.get('image', ''))
    numbers = {*NUMBERS, 'seed', *own}
    numbers |= {foreign.columns[name] for name in numbers & foreign.columns.keys()}
    words = {foreign.columns.get(name, name) for name in (*NAMES, DATASET, FOLD, REPETITION, 'split')}
    words |= {part for ours, theirs in foreign.columns.items() for part in parts_of(ours, theirs)}
    if path.suffix.lower() not in WORKBOOKS and foreign.wide is None and foreign.missing is None:
        seeds = {'seed', foreign.columns.get('seed', 'seed')}
        plain = read_plain(path, wanted, lambda names: (numbers | {*of_annotators(names)}) - seeds, words | seeds,
                           seeds)
        if plain:
            remarks += plain.remarks
            return plain.frame
    if path.suffix.lower() in WORKBOOKS:
        text, note = sheet_text(path, foreign.worksheet)
        notes.append(f'{note}.')
        found = parse_delimited(text, wanted=wanted)
    else:
        found = read_delimited(path, wanted)
    remarks += found.remarks
    frame = pd.DataFrame(dict(enumerate(found.cells)), dtype=object)
    frame.columns = pd.Index(found.columns)
    annotated = of_annotators(found.columns)
    names = [place for place, name in enumerate(found.columns)
             if name in numbers or name in annotated
             or foreign.wide is not None and name not in words and not name.startswith(GROUP)]
    if decimal_comma(chain.from_iterable(found.cells[place] for place in names), found.separator):
        remarks.append('numbers with decimal commas')
        for place in names:
            frame.isetitem(place, frame.iloc[:, place].str.replace(',', '.', regex=False))
    return frame


def _one_line(exc: BaseException) -> str:
    return ' '.join(str(exc).split())[:200] or type(exc).__name__
