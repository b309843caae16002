"""Files of points that lie beside their images, one for each: rows of coordinates, and the data set made of them."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from benchmark.datasets.formats.common import write_dataset
from benchmark.datasets.formats.points import (
    annotation_files,
    image_beside,
    load_points,
    number,
    point_meta,
    point_sample,
    subjects,
)
from benchmark.datasets.formats.splits import assign_splits
from benchmark.datasets.metainfo import DataError


def read_rows(path: Path, lines: Sequence[tuple[int, str]], first: float) -> np.ndarray:
    """Reads lines of two numbers.

    Args:
        path: The file, for messages.
        lines: Number and text of each line, one per point.
        first: Coordinate of the centre of the first pixel.

    Returns:
        (count, 3): x and y in pixels with the centre of the first pixel at 0, and v = 2.

    Raises:
        DataError: A line that is not two finite numbers.
    """
    points = np.full((len(lines), 3), 2.0)
    for row, (n, line) in zip(points, lines, strict=True):
        cells = line.split()
        if len(cells) != 2:
            raise DataError(f'{path}: line {n}: {line[:40]!r} is not `x y`. Give two numbers.')
        row[:2] = [number(cell, f'{path}: line {n}') - first for cell in cells]
    return points


def convert_beside(src: str, out: Path, args: argparse.Namespace, scheme_name: str, ending: str,
                   read: Callable[[Path, int], np.ndarray]) -> list[str]:
    """Writes the data set of the files below ``src`` to the new folder ``out``.

    Args:
        src: The folder.
        out: The new folder.
        args: The command's options.
        scheme_name: Name of the files' points in ``schemes/``.
        ending: Of the files' names.
        read: File and number of points -> points (count, 3).

    Returns:
        Notes.

    Raises:
        DataError: A missing or malformed file; the message names it and the line.
    """
    scheme, files = load_points(scheme_name), annotation_files(src, ending)
    meta = point_meta(scheme, out, args, subject='subject' if args.subject else None)
    samples = []
    for path, subject in zip(files, subjects(files, args.subject), strict=True):
        source = image_beside(path, args.images)
        name = path.relative_to(src).with_name(source.name).as_posix()
        samples.append(point_sample(read(path, scheme.count), scheme, args, source, name, str(path),
                                    fields=dict(subject=subject) if subject else {}))
    return assign_splits(samples, meta, args) + write_dataset(out, meta, samples, args, drop_outside=True)
