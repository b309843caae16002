"""The way back: from pixels of a prepared image to those of the photograph that it was made of.

``originals.csv`` lies beside a prepared set's ``metainfo.json`` and is no part of its fingerprint. A row says of an
image, with (u, v) its pixels: x = (u + 0.5) * x_scale + x_offset - 0.5 in the photograph, and y likewise.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from benchmark.datasets.metainfo import DataError

#: Beside ``metainfo.json``.
ORIGINALS = 'originals.csv'


@dataclass(frozen=True)
class Original:
    """What an image was made of; each attribute is a column of the table.

    Attributes:
        image: Name below ``images/``.
        split: ``train``, ``val`` or ``test``.
        photograph: Its file, below what all files of SRC have in common.
        width, height: The photograph's, in pixels of the frame that counts.
        frame: ``turned`` or ``stored`` where it carries an EXIF rotation, else empty: what x and y are counted in.
        x_scale, y_scale: Photograph pixels in a pixel of the image.
        x_offset, y_offset: Left and top edge of the image in the photograph, in pixels.
        mm_down, mm_across: Millimetres from row to row and from column to column of the photograph, or None.
        mm_from: What states them: an attribute of the DICOM file and what is known of it, or ``SRC``.
    """

    image: str
    split: str
    photograph: str
    width: int
    height: int
    frame: str = ''
    x_scale: float = 1.0
    y_scale: float = 1.0
    x_offset: float = 0.0
    y_offset: float = 0.0
    mm_down: float | None = None
    mm_across: float | None = None
    mm_from: str = ''

    def back(self, points: np.ndarray) -> np.ndarray:
        """Points (..., 2) in pixels of the image to (..., 2) in pixels of the photograph; both pixel centres."""
        return _back(np.asarray(points, np.float64), (self.x_scale, self.y_scale), (self.x_offset, self.y_offset))


def _back(points: np.ndarray, scale: ArrayLike, offset: ArrayLike) -> np.ndarray:
    """Points (..., 2) of images to those of the photographs; ``scale`` and ``offset`` are of their shape, or (2,)."""
    return (points + 0.5) * np.asarray(scale) + np.asarray(offset) - 0.5


def write_originals(root: Path, rows: Iterable[Original]) -> None:
    """Writes the table of a set."""
    with open(root / ORIGINALS, 'w', encoding='utf-8', newline='') as stream:
        writer = csv.writer(stream, lineterminator='\n')
        writer.writerow([field.name for field in fields(Original)])
        writer.writerows(['' if value is None else value for value in astuple(row)] for row in rows)


def read_originals(root: str | Path) -> dict[str, Original]:
    """The table of a set by image name.

    Raises:
        DataError: It is missing or malformed; names the line.
    """
    path = Path(root) / ORIGINALS
    try:
        with open(path, encoding='utf-8', newline='') as stream:
            rows = list(csv.DictReader(stream))
    except FileNotFoundError:
        raise DataError(f'{path}: no such file, so the way back to the photographs is not known. Prepare the set anew '
                        'with tools/prepare_data.py.') from None
    return {row['image']: _original(row, f'{path}: line {number}') for number, row in enumerate(rows, 2)}


def _original(row: dict[str, str], where: str) -> Original:
    values: dict = {}
    for field in fields(Original):
        text = row.get(field.name)
        if text is None:
            raise DataError(f'{where}: {field.name} is missing. Prepare the set anew.')
        if field.name in ('image', 'split', 'photograph', 'frame', 'mm_from'):
            values[field.name] = text
            continue
        try:
            number = None if not text and field.name.startswith('mm') else float(text)
        except ValueError:
            number = math.nan
        if number is not None and not math.isfinite(number):
            raise DataError(f'{where}: {field.name} is {text!r}, no finite number. Prepare the set anew.')
        values[field.name] = int(number) if field.name in ('width', 'height') else number
    return Original(**values)


def in_photographs(results: pd.DataFrame, originals: dict[str, Original], where: str, root: str) -> pd.DataFrame:
    """Predictions and truth of a results table in pixels of the photographs.

    Args:
        results: ``image``, ``landmark``, ``x``, ``y`` and, where it is known, ``x_true``, ``y_true`` in pixels of the
            prepared image; the columns of the run are kept.
        originals: What the images were made of, by name.
        where: The table's name in messages.
        root: The prepared set's name in messages.

    Returns:
        A row for each of ``results``: who predicted, ``photograph``, ``frame``, ``landmark``, positions in pixels of
        the photograph, ``error_px``, and ``error_mm`` with the millimetres of each direction.

    Raises:
        DataError: A column is missing, or an image is none of the set's.
    """
    for column in ('image', 'landmark', 'x', 'y'):
        if column not in results:
            raise DataError(f'{where}: column {column!r} is missing. Give the results of a suite.')
    unknown = sorted(set(results['image']) - originals.keys())
    if unknown:
        raise DataError(f'{where}: image {unknown[0]!r} ({len(unknown)} in all) is not in {root}. Give the prepared '
                        'set that the suite was trained on.')
    rows = [originals[name] for name in results['image']]
    kept = [c for c in ('method', 'condition', 'seed', 'image', 'subject') if c in results]
    table = results[kept].reset_index(drop=True)
    table['photograph'], table['frame'] = [row.photograph for row in rows], [row.frame for row in rows]
    table['landmark'] = results['landmark'].to_numpy()
    scale, offset = (np.array([[getattr(row, f'{axis}_{what}') for axis in 'xy'] for row in rows])
                     for what in ('scale', 'offset'))
    there = {}
    for ends in (('x', 'y'), ('x_true', 'y_true')):
        if set(ends) <= set(results.columns):
            there[ends] = _back(results[list(ends)].to_numpy(float), scale, offset)
            table[list(ends)] = there[ends]
    if len(there) == 2:
        difference = there['x', 'y'] - there['x_true', 'y_true']
        mm = np.array([[row.mm_across or math.nan, row.mm_down or math.nan] for row in rows])
        table['error_px'] = np.hypot(*difference.T)
        table['error_mm'] = np.hypot(*(difference * mm).T)
    if 'score' in results:
        table['score'] = results['score'].to_numpy()
    return table
