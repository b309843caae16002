"""The tidy results table: one row per method, condition, seed, image and landmark.

Only ``method``, ``seed``, ``image`` and ``error`` are required. Without ``landmark`` a row is a whole image
and ``error`` is the image's; without ``condition`` there is one, named ``all``. ``between_<pair>`` and
``between_mm_<pair>`` hold the distance between two annotators of the landmark, the same in all runs. ``error_photo``
is the error in pixels of the photograph, ``scale_x`` and ``scale_y`` how many units of ``error`` such a pixel is,
across and down: with them errors of inputs of several sizes and proportions are compared (:mod:`.units`).
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pandas as pd

from .errors import TableError

REQUIRED = ('method', 'seed', 'image', 'error')
KEYS = ('condition', 'method', 'seed', 'image', 'landmark')
NAMES = ('method', 'condition', 'image', 'subject', 'landmark')
DISTANCES = ('error', 'error_input', 'error_mm', 'error_photo')
#: Heatmap pixels per pixel of the photograph, across and down.
SCALES = ('scale_x', 'scale_y')
COORDINATES = ('x', 'y', 'x_true', 'y_true')
NUMBERS = (*DISTANCES, *SCALES, 'normalizer', *COORDINATES, 'score')
#: Columns of distances between two annotators of a landmark: in the unit of the errors, and in millimetres.
BETWEEN, BETWEEN_MM = 'between_', 'between_mm_'
ROWS_SHOWN = 5
#: How an empty number is written, by whom ever.
EMPTY = ('', 'nan', 'na', 'n/a', 'null', 'none', '<na>')
LARGEST = 1e100


def read_table(path: str | Path, missing_allowed: bool = False) -> pd.DataFrame:
    """Read and validate a results table.

    Args:
        path: A ``.csv`` or ``.parquet`` file.
        missing_allowed: An empty error is a missing prediction, and not refused.

    Returns:
        The table in a canonical order, so that the order of the input's rows changes nothing.

    Raises:
        TableError: The file can't be read, or its content is not a valid results table.
    """
    path = Path(path)
    if not path.is_file():
        raise TableError(f'{path}: no such file; give a results table (.csv or .parquet)')
    kind = path.suffix.lower()
    if kind not in ('.csv', '.parquet'):
        raise TableError(f'{path}: unknown file type {kind!r}; give a .csv or a .parquet file')
    try:
        if kind == '.csv':
            # Everything as text first: a method named "NA" is a name, not a missing value.
            frame = _read_csv(path)
        else:
            frame = pd.read_parquet(path)
    except Exception as exc:
        raise TableError(
            f'{path}: not a readable {kind[1:]} file ({_one_line(exc)}); write it again'
        ) from exc
    return validate(frame, str(path), missing_allowed)


def _read_csv(path: Path) -> pd.DataFrame:
    """A CSV file as text. pandas would rename repeated columns, and take a long row's first cell for an index."""
    with path.open(encoding='utf-8-sig', newline='') as stream:
        reader = csv.reader(stream, skipinitialspace=True)
        columns = [name.strip() for name in next(reader, [])]
        rows = []
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(columns):
                raise ValueError(f'line {reader.line_num}: {len(cells)} cells for {len(columns)} columns')
            rows.append(cells)
    return pd.DataFrame(rows, columns=columns, dtype=str)


def validate(frame: pd.DataFrame, where: str = 'table', missing_allowed: bool = False) -> pd.DataFrame:
    """Check a results table and bring it into canonical form.

    Args:
        frame: Any data frame; it is not changed.
        where: Name used in messages.
        missing_allowed: An empty error is a missing prediction, and not refused.

    Returns:
        A copy with ``condition`` filled in, names as text, numbers as float64, seeds as int64, sorted by
        condition, method, seed, image and (where there is one) landmark.

    Raises:
        TableError: A column is missing, a name is empty, a number is not usable, or a key occurs twice.
    """
    missing = [name for name in REQUIRED if name not in frame.columns]
    if missing:
        have = [str(name) for name in frame.columns]
        alike = [name for name in have if name.lower() in missing]
        remedy = f'rename or add them: {", ".join(REQUIRED)} are required'
        if len(have) == 1 and any(sign in have[0] for sign in ';\t|'):
            remedy = 'separate the columns by commas'
        elif alike:
            remedy = f'write {", ".join(map(repr, alike))} in small letters'
        raise TableError(f'{where}: column{"s" if len(missing) > 1 else ""} {", ".join(missing)} missing (it has '
                         f'{", ".join(have) or "none"}); {remedy}')
    if frame.columns.has_duplicates:
        twice = sorted({str(name) for name in frame.columns[frame.columns.duplicated()]})
        raise TableError(f'{where}: column {", ".join(twice)} occurs more than once; keep one of them')
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
    for name in NAMES:
        if name in frame.columns:
            frame[name] = _names(frame[name], name, where)
    frame['seed'] = _seeds(frame['seed'], where)
    between = [name for name in frame.columns if str(name).startswith(BETWEEN)]
    for name in (*NUMBERS, *between):
        if name in frame.columns:
            frame[name] = _numbers(frame[name], name, where, missing_allowed)
    keys = [name for name in KEYS if name in frame.columns]
    repeated = frame.duplicated(keys, keep=False).to_numpy()
    if repeated.any():
        raise TableError(
            f'{where}: {_rows(repeated)} share the same {", ".join(keys)}; keep one row for each'
            + ('' if 'landmark' in keys else ', or add a column landmark')
        )
    return frame.sort_values(keys, kind='stable').reset_index(drop=True)


def _names(column: pd.Series, name: str, where: str) -> pd.Series:
    """A column of names as Python strings; empty ones are refused, except for subjects."""
    absent = column.isna().to_numpy()
    text = column.astype(object).where(~absent, '').map(str).str.strip()
    absent = absent | (text == '').to_numpy()
    if absent.any() and name != 'subject':
        raise TableError(f'{where}: field {name}: empty in {_rows(absent)}; fill it in or remove these rows')
    return text.astype(object)


def _seeds(column: pd.Series, where: str) -> pd.Series:
    """The seeds as int64."""
    number = pd.to_numeric(column, errors='coerce').astype('float64')
    bad = ~(np.abs(number.to_numpy()) < 2**53) | (number.to_numpy() % 1 != 0)
    if bad.any():
        raise TableError(
            f'{where}: field seed: not a whole number in {_rows(bad)}; number the repetitions 0, 1, ...'
        )
    return number.astype('int64')


def _numbers(column: pd.Series, name: str, where: str, missing_allowed: bool) -> pd.Series:
    """A column of numbers as float64; what can't be a distance is refused."""
    if column.dtype.kind in 'bmM':
        raise TableError(f'{where}: field {name}: of type {column.dtype}; give numbers')
    number = pd.to_numeric(column, errors='coerce').astype('float64')
    value = number.to_numpy()
    empty = (
        column.isna().to_numpy() | (column.astype(str).str.strip().str.lower().isin(EMPTY)).to_numpy()
    )
    text = np.isnan(value) & ~empty
    if text.any():
        raise TableError(
            f'{where}: field {name}: not a number in {_rows(text)}; use a decimal point and no units'
        )
    if name == 'error' and not missing_allowed and np.isnan(value).any():
        raise TableError(
            f'{where}: field error: NaN in {_rows(np.isnan(value))}; a landmark without annotation has no row; for '
            'missing predictions declare what they count as (--missing-cap, or missing_cap in the plan)')
    if np.isinf(value).any():
        raise TableError(
            f'{where}: field {name}: infinite in {_rows(np.isinf(value))}; correct or remove these rows'
        )
    if (np.abs(value) > LARGEST).any():
        raise TableError(f'{where}: field {name}: beyond {LARGEST:g} in {_rows(np.abs(value) > LARGEST)}; correct or '
                         'remove these rows')
    if (name in DISTANCES or name.startswith(BETWEEN)) and (value < 0).any():
        raise TableError(f'{where}: field {name}: negative in {_rows(value < 0)}; a distance is at least 0')
    if name in ('normalizer', *SCALES) and (value <= 0).any():
        raise TableError(
            f'{where}: field {name}: not above 0 in {_rows(value <= 0)}; leave it empty if unknown'
        )
    return number


def _rows(mask: np.ndarray) -> str:
    """'data rows 1, 4, 9 and 20 more', counted from 1."""
    rows = np.flatnonzero(mask) + 1
    shown = ', '.join(map(str, rows[:ROWS_SHOWN]))
    more = f' and {len(rows) - ROWS_SHOWN} more' if len(rows) > ROWS_SHOWN else ''
    return f'data row{"s" if len(rows) > 1 else ""} {shown}{more}'


def _one_line(exc: BaseException) -> str:
    return ' '.join(str(exc).split())[:200] or type(exc).__name__
