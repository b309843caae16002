"""A table with one row per image."""

from __future__ import annotations

import argparse
import csv
import math
from pathlib import Path

import numpy as np

from benchmark.datasets.formats.common import (
    Sample,
    add_common_arguments,
    assign_splits,
    build_meta,
    flip_indices,
    write_dataset,
)
from benchmark.datasets.formats.converter import Converter
from benchmark.datasets.identities import leaves_folder
from benchmark.datasets.metainfo import SPLITS, DataError

DESCRIPTION = """SRC is a CSV file with a row per image: column `image`, then <landmark>_x and <landmark>_y
in pixels (empty cells: not annotated), and optionally `split` (train, val, test), `subject`, `pixel_spacing`
(mm per pixel) and group columns. x = 0 is the centre of the first pixel; --one-based where it is 1.

  tools/prepare_data.py csv faces.csv data/faces --interocular exocanthion_r:exocanthion_l --groups sex"""


def add_table_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of a table."""
    add_common_arguments(parser)
    parser.add_argument('--one-based', action='store_true',
                        help='the centre of the first pixel is (1, 1) in SRC, not (0, 0)')


def convert(src: str, out: Path, args: argparse.Namespace) -> list[str]:
    """Writes the data set of the table ``src`` to the new folder ``out``.

    Raises:
        DataError: A missing file, column or value; the message names the line.
    """
    path = Path(src)
    return convert_rows(path, *read_rows(path), out, args)


def convert_rows(path: Path, rows: list[tuple[int, dict[str, str]]], columns: list[str], out: Path,
                 args: argparse.Namespace) -> list[str]:
    """Writes the data set of a table's rows.

    Args:
        path: The table, for messages and for where images are.
        rows: Line number and cells by column, for each row.
        columns: The columns' names.
        out: The new folder.
        args: The format's options.

    Raises:
        DataError: A missing column or value; the message names the line.
    """
    groups = [g.strip() for g in args.groups.split(',')] if args.groups else []
    for column in ('image', *groups):
        if column not in columns:
            hint = ' Are the cells separated by something else than commas?' if len(columns) == 1 else ''
            raise DataError(f'{path}: column {column!r} is missing. Columns found: {", ".join(columns)}.{hint}')
    landmarks = [c[:-2] for c in columns if c.endswith('_x') and c[:-2]]
    for name in landmarks:
        if f'{name}_y' not in columns:
            raise DataError(f'{path}: column {name + "_y"!r} is missing, though {name + "_x"!r} is there.')
    if not landmarks:
        raise DataError(f'{path}: no landmark columns. Add <landmark>_x and <landmark>_y for each landmark.')
    indices, note = flip_indices(landmarks, args.flip_pairs)
    subject = 'subject' if 'subject' in columns else None
    meta = build_meta(dict(name=out.name, landmarks=landmarks, flip_indices=indices, subject=subject,
                           groups=groups), args, str(path))
    folder = args.images or path.parent
    if not folder.is_dir():
        raise DataError(f'--images: {folder}: no such folder.')
    notes = [note]
    known = {'image', 'split', 'pixel_spacing', *groups, *([subject] if subject else []),
             *(f'{name}_{axis}' for name in landmarks for axis in 'xy')}
    if unused := [column for column in columns if column not in known]:
        notes.append(f'columns that are not used: {", ".join(unused)} (--groups names subgroups)')
    if meta.interocular is None:
        notes.append('no --interocular pair: errors are not given as NME')
    samples, seen = [], {}
    for line, row in rows:
        sample = _sample(path, line, row, landmarks, folder, args)
        if sample.name in seen:
            raise DataError(f'{sample.where}: the image is listed in line {seen[sample.name]} already. Keep '
                            'one row.')
        seen[sample.name] = line
        for column in [*groups, *([subject] if subject else [])]:
            if not row[column]:
                raise DataError(f'{sample.where}: {column} is empty. Fill it in.')
            sample.fields[column] = row[column]
        samples.append(sample)
    notes += assign_splits(samples, meta, args)
    return notes + write_dataset(out, meta, samples, args)


def read_rows(path: Path) -> tuple[list[tuple[int, dict[str, str]]], list[str]]:
    """The rows of a CSV file, each with its line number, and the columns' names.

    Raises:
        DataError: The file is missing, no CSV, empty, or a row is incomplete.
    """
    try:
        with path.open(encoding='utf-8-sig', newline='') as stream:
            reader = csv.reader(stream)
            columns = [c.strip() for c in next(reader, [])]
            rows = []
            for cells in reader:
                if not any(c.strip() for c in cells):
                    continue
                if len(cells) != len(columns):
                    raise DataError(f'{path}: line {reader.line_num}: {len(cells)} cells for {len(columns)} '
                                    'columns. Complete the row.')
                rows.append((reader.line_num, dict(zip(columns, map(str.strip, cells), strict=True))))
    except (FileNotFoundError, IsADirectoryError):
        raise DataError(f'{path}: no such file. For `csv` SRC is a CSV file.') from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f'{path}: not a UTF-8 CSV file ({error}).') from None
    if len(set(columns)) != len(columns):
        twice = next(c for c in columns if columns.count(c) > 1)
        raise DataError(f'{path}: column {twice!r} appears more than once. Rename or delete one.')
    if not rows:
        raise DataError(f'{path}: no rows. List at least one image.')
    return rows, columns


def _sample(path: Path, line: int, row: dict[str, str], landmarks: list[str], folder: Path,
            args: argparse.Namespace) -> Sample:
    where = f'{path}: line {line}: image {row["image"]!r}'
    if not row['image']:
        raise DataError(f'{where}: the name is empty. Fill it in.')
    if message := leaves_folder(row['image']):
        raise DataError(f'{where}: {message} Use --images for the folder.')
    keypoints = np.zeros((len(landmarks), 3))
    for k, name in enumerate(landmarks):
        cells = row[f'{name}_x'], row[f'{name}_y']
        if all(cells):
            keypoints[k] = *(_number(c, f'{where}: {name}') - args.one_based for c in cells), 2
        elif any(cells):
            raise DataError(f'{where}: {name} has only one coordinate. Fill in both or none.')
    if not keypoints[:, 2].any():
        raise DataError(f'{where}: no landmark is annotated. Annotate at least one or delete the row.')
    split = None
    if 'split' in row and not args.resplit:
        split = row['split']
        if split not in SPLITS:
            raise DataError(f'{where}: split is {split!r}. Use train, val or test, or --resplit.')
    fields = {}
    if row.get('pixel_spacing'):
        fields['pixel_spacing'] = _number(row['pixel_spacing'], f'{where}: pixel_spacing')
        if fields['pixel_spacing'] <= 0:
            raise DataError(f'{where}: pixel_spacing is {row["pixel_spacing"]}. Give mm per pixel, above 0.')
    return Sample(folder / row['image'], row['image'], where, dict(keypoints=keypoints), split, fields)


def _number(text: str, where: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise DataError(f'{where} is {text!r}, no finite number. Leave the cell empty where there is none.')
    return value


CONVERTER = Converter('csv', 'a table with a row per image', DESCRIPTION, add_table_arguments, convert)
