"""A table with one annotated eye an image, as holders of clinical photographs such as CIFASD's have them."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmark.datasets.findings import Finding
from benchmark.datasets.formats.converter import Converter
from benchmark.datasets.formats.csv_table import add_table_arguments, convert_rows, read_rows
from benchmark.datasets.metainfo import DataError

DESCRIPTION = """SRC is a CSV file with a row per image: `image`, `side` (right or left, the subject's: which side is
annotated), <landmark>_x and <landmark>_y, and the further columns of `csv`. --sided names the landmarks that are
annotated on that side only; `exocanthion` becomes exocanthion_r and exocanthion_l, of which the other side is not
annotated. No names are assumed: they are the table's own. The set's flip policy is `canonical`: every image is mirrored
to the side of the first of each pair, and predictions are mirrored back. A table that has columns for both sides, the
other side's cells empty, is read by `csv ... --flip-policy canonical`.

  tools/prepare_data.py cifasd faces.csv data/clinic --sided exocanthion,endocanthion --groups diagnosis,side"""
SIDES = dict(right='r', r='r', left='l', l='l')
WORDS = dict(r='right', l='left')


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add_table_arguments(parser)
    parser.add_argument('--sided', metavar='A,B', required=True,
                        help='landmarks that are annotated on one side only, by their columns without _x and _y')
    parser.set_defaults(flip_policy='canonical')


def both_sides(path: Path, rows: list[tuple[int, dict[str, str]]], columns: list[str],
               sided: list[str]) -> tuple[list[tuple[int, dict[str, str]]], list[str]]:
    """Gives each one-sided landmark columns for both sides, of which a row fills one.

    Args:
        path: The table, for messages.
        rows: Line number and cells by column, for each row; ``side`` says which side is annotated.
        columns: The columns' names.
        sided: Landmarks of one side, by their columns without ``_x`` and ``_y``.

    Returns:
        Rows and columns with ``<landmark>_r`` and ``<landmark>_l`` for each of ``sided``; ``side`` is right or left.

    Raises:
        DataError: A missing column, or a side that is neither right nor left.
    """
    for column in ('side', *(f'{name}_{axis}' for name in sided for axis in 'xy')):
        if column not in columns:
            hint = ' A table with columns for both sides is read by `csv`.' if column == 'side' else ''
            raise DataError(f'{path}: column {column!r} is missing. Columns found: {", ".join(columns)}.{hint}')
    split = {f'{name}_{axis}': (f'{name}_r_{axis}', f'{name}_l_{axis}') for name in sided for axis in 'xyv'
             if f'{name}_{axis}' in columns}
    if clash := [new for pair in split.values() for new in pair if new in columns]:
        raise DataError(f'{path}: column {clash[0]!r} is there although --sided makes it. Rename it or leave the '
                        'landmark out of --sided.')
    wide = [new for column in columns for new in split.get(column, (column,))]
    widened = []
    for line, row in rows:
        side = SIDES.get(row['side'].lower())
        if side is None:
            raise DataError(f'{path}: line {line}: image {row["image"] if "image" in row else ""!r}: side is '
                            f'{row["side"]!r}. Use right or left.')
        cells = {column: value for column, value in row.items() if column not in split} | dict(side=WORDS[side])
        for column, (right, left) in split.items():
            cells[right], cells[left] = (row[column], '') if side == 'r' else ('', row[column])
        widened.append((line, cells))
    return widened, wide


def convert(src: str, out: Path, args: argparse.Namespace) -> list[str | Finding]:
    """Writes the data set of the table ``src`` to the new folder ``out``.

    Raises:
        DataError: A missing file, column or value; the message names the line.
    """
    path = Path(src)
    sided = [name.strip() for name in args.sided.split(',') if name.strip()]
    table = read_rows(path, args)
    table.rows, table.columns = both_sides(path, table.rows, table.columns, sided)
    return convert_rows(path, table, out, args)


CONVERTER = Converter('cifasd', 'a table with one annotated eye an image', DESCRIPTION, _add_arguments, convert)
