"""A table with one row per image."""

from __future__ import annotations

import argparse
import math
import re
from pathlib import Path

import numpy as np

from benchmark.datasets.findings import Finding
from benchmark.datasets.formats.coco import SPLIT_WORDS
from benchmark.datasets.formats.common import (
    Sample,
    add_common_arguments,
    build_meta,
    flip_indices,
    listed,
    write_dataset,
)
from benchmark.datasets.formats.converter import Converter
from benchmark.datasets.formats.delimited import DECIMALS, SEPARATORS, Table, read_table
from benchmark.datasets.formats.fields import NOBODY, ask_for_persons, spacing_of, unused_note
from benchmark.datasets.formats.image_files import find_images
from benchmark.datasets.formats.positions import placer, settle_positions
from benchmark.datasets.formats.splits import assign_splits, settle_subjects
from benchmark.datasets.metainfo import DataError
from benchmark.datasets.readers.base import peek

DESCRIPTION = """SRC is a CSV file with a row per image: column `image`, then <landmark>_x and <landmark>_y
in pixels (empty cells: not annotated), and optionally <landmark>_v (0: not annotated), `split` (train, val, test),
`subject`, `pixel_spacing` (mm per pixel) and group columns. x = 0 is the centre of the first pixel; --one-based where
it is 1. Separators, decimal commas and encodings of spreadsheets are recognised. Or a row per landmark: image,
landmark, x, y. An Excel workbook (.xlsx) is read with openpyxl.

  tools/prepare_data.py csv faces.csv data/faces --interocular exocanthion_r:exocanthion_l --groups sex"""
_NUMBER = re.compile(r'[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?', re.ASCII | re.IGNORECASE)


def add_table_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of a table."""
    add_common_arguments(parser)
    parser.add_argument('--one-based', action='store_const', const=1.0, dest='first_pixel',
                        help='the centre of the first pixel is (1, 1) in SRC, not (0, 0): --pixel-origin one-based')
    parser.add_argument('--subject', metavar='COLUMN',
                        help='column that identifies the person (default: subject), or `none`: every image is another '
                             'person')
    parser.add_argument('--image', metavar='COLUMN', help='column of the images\' names (default: image)')
    parser.add_argument('--worksheet', metavar='NAME',
                        help='sheet of an Excel workbook (default: the first that is not empty)')
    parser.add_argument('--separator', choices=SEPARATORS, help='between the cells (default: what the header has)')
    parser.add_argument('--decimal', choices=DECIMALS, help='decimal mark (default: what the cells have)')
    parser.add_argument('--encoding', help='of the text, such as cp1252 (default: UTF-8 or UTF-16, else cp1252)')


def read_rows(path: Path, args: argparse.Namespace) -> Table:
    """The rows of a table, read as the options say.

    Raises:
        DataError: See ``read_table``.
    """
    return read_table(path, args.separator, args.decimal, args.encoding, args.image, args.worksheet)


def convert(src: str, out: Path, args: argparse.Namespace) -> list[str | Finding]:
    """Writes the data set of the table ``src`` to the new folder ``out``.

    Raises:
        DataError: A missing file, column or value; the message names the line.
    """
    path = Path(src)
    return convert_rows(path, read_rows(path, args), out, args)


def convert_rows(path: Path, table: Table, out: Path, args: argparse.Namespace) -> list[str | Finding]:
    """Writes the data set of a table.

    Args:
        path: The table, for messages and for where images are.
        table: Its rows.
        out: The new folder.
        args: The format's options.

    Raises:
        DataError: A missing column or value; the message names the line.
    """
    rows, columns = table.rows, table.columns
    groups = listed(args.groups)
    subject = args.subject or ('subject' if 'subject' in columns else None)
    subject = None if subject == NOBODY and NOBODY not in columns else subject
    for column in ('image', *groups, *([subject] if subject else [])):
        if column not in columns:
            raise DataError(f'{path}: column {column!r} is missing. Columns found: {", ".join(columns)}.')
    ask_for_persons([(row, f'{path}: line {line}: image {row["image"]!r}') for line, row in rows], args, groups,
                    'column')
    landmarks = _landmarks(path, columns, groups)
    indices, note = flip_indices(landmarks, args.flip_pairs)
    meta = build_meta(dict(name=out.name, landmarks=landmarks, flip_indices=indices, subject=subject,
                           groups=groups), args, str(path))
    folder = args.images or path.parent
    if not folder.is_dir():
        raise DataError(f'--images: {folder}: no such folder.')
    notes = [*table.notes, note, *_unused(columns, landmarks, {subject, *groups, args.spacing})]
    if meta.interocular is None:
        notes.append('no --interocular pair: errors are not given as NME')
    samples, seen = [], {}
    for line, row in rows:
        sample = _sample(path, line, row, landmarks, args)
        if sample.name in seen:
            raise DataError(f'{sample.where}: the image is listed in line {seen[sample.name]} already. Keep '
                            'one row.')
        seen[sample.name] = line
        for column in [*groups, *([subject] if subject else [])]:
            if not row[column]:
                raise DataError(f'{sample.where}: {column} is empty. Fill it in.')
            sample.fields[column] = row[column]
        samples.append(sample)
    found, more = find_images([(s.name, s.where) for s in samples], [folder])
    for sample, image in zip(samples, found, strict=True):
        sample.source, sample.name = image
    samples, settled = settle_positions(samples, landmarks, args)
    notes += more + settled + settle_subjects(samples, meta, args) + assign_splits(samples, meta, args)
    return notes + write_dataset(out, meta, samples, args, place=placer(args))


def _landmarks(path: Path, columns: list[str], groups: list[str]) -> list[str]:
    """Names of the landmarks, in the order of their x columns."""
    coordinates = [c for c in columns if c not in groups and c[-2:] in ('_x', '_y') and c[:-2]]
    for column in coordinates:
        other = column[:-1] + ('y' if column.endswith('x') else 'x')
        if other not in coordinates:
            raise DataError(f'{path}: column {other!r} is missing, though {column!r} is there. Add it, or rename or '
                            'delete the other.')
    landmarks = [c[:-2] for c in coordinates if c.endswith('_x')]
    if not landmarks:
        raise DataError(f'{path}: no landmark columns. Add <landmark>_x and <landmark>_y for each landmark. Columns '
                        f'found: {", ".join(columns)}.')
    return landmarks


def _unused(columns: list[str], landmarks: list[str], used: set[str | None]) -> list[str]:
    """A note on columns that are not used."""
    known = {'image', 'split', 'pixel_spacing', *(f'{name}_{axis}' for name in landmarks for axis in 'xyv')}
    return unused_note([dict.fromkeys(columns)], used | known, 'columns')


def _sample(path: Path, line: int, row: dict[str, str], landmarks: list[str], args: argparse.Namespace) -> Sample:
    """The sample of a row; its name is the cell's, its source is to be found."""
    where = f'{path}: line {line}: image {row["image"]!r}'
    if not row['image']:
        raise DataError(f'{where}: the name is empty. Fill it in.')
    keypoints = np.zeros((len(landmarks), 3))
    for k, name in enumerate(landmarks):
        cells = row[f'{name}_x'], row[f'{name}_y']
        flag = row.get(f'{name}_v') or '2'
        if flag not in ('0', '1', '2', '0.0', '1.0', '2.0'):
            raise DataError(f'{where}: {name}_v is {flag!r}. Use 0 (not annotated), 1 or 2; a confidence is no '
                            'visibility: rename its column.')
        if float(flag) == 0:
            continue
        if all(cells):
            keypoints[k] = *(_number(c, f'{where}: {name}') for c in cells), float(flag)
        elif any(cells):
            raise DataError(f'{where}: {name} has only one coordinate. Fill in both or none.')
    if not keypoints[:, 2].any():
        raise DataError(f'{where}: no landmark is annotated. Annotate at least one or delete the row.')
    split = None
    if 'split' in row and not args.resplit:
        split = SPLIT_WORDS.get(row['split'].casefold())
        if split is None:
            raise DataError(f'{where}: split is {row["split"]!r}. Use train, val or test, or --resplit.')
    fields = {}
    if (spacing := spacing_of(row, where, args.spacing)) is not None:
        fields['pixel_spacing'] = spacing
    elif row.get('pixel_spacing'):
        fields['pixel_spacing'] = _number(row['pixel_spacing'], f'{where}: pixel_spacing')
        if fields['pixel_spacing'] <= 0:
            raise DataError(f'{where}: pixel_spacing is {row["pixel_spacing"]}. Give mm per pixel, above 0.')
    return Sample(Path(row['image']), row['image'], where, dict(keypoints=keypoints), split, fields)


def _number(text: str, where: str) -> float:
    # Not float() alone: it reads 1_000 and digits of other scripts.
    value = float(text) if _NUMBER.fullmatch(text) else math.nan
    if not math.isfinite(value):
        raise DataError(f'{where} is {text!r}, no finite number. Write the number alone; leave the cell empty where '
                        'there is none.')
    return value


def _reason(src: Path) -> str | None:
    """Why SRC is a table with a row per image, or None."""
    if src.suffix.lower() in ('.xlsx', '.xlsm') and src.is_file():
        return f'{src.name} is an Excel workbook'
    if src.suffix.lower() not in ('.csv', '.tsv', '.txt') or not src.is_file():
        return None
    lines = peek(src).replace('\0', '').splitlines()[:20]
    there = any(cell.strip(' "').casefold() == 'image' for line in lines for cell in re.split(r'[,;\t| ]', line))
    return f'{src.name} has a column image' if there else None


CONVERTER = Converter('csv', 'a table with a row per image', DESCRIPTION, add_table_arguments, convert, _reason)
