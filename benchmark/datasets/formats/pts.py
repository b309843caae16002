"""68-point .pts files, each beside its image."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import numpy as np

from benchmark.datasets.formats.beside import convert_beside, read_rows
from benchmark.datasets.formats.converter import Converter
from benchmark.datasets.formats.points import (
    add_point_arguments,
    add_subject_argument,
    read_text,
)
from benchmark.datasets.metainfo import DataError

DESCRIPTION = """SRC is a folder of .pts files with the 68 points of 300-W, each beside its image (or --images), in
folders of any depth:

  version: 1
  n_points: 68
  {
  30.5 66.0
  ...
  }

The centre of the first pixel is (1, 1), as in 300-W; --zero-based where it is (0, 0). Images are split by person,
64/16/20 percent. The box of --size is that of the 68 points.

  tools/prepare_data.py pts photos/ data/faces --size 256 --subject '^(\\w+)_'"""


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add_point_arguments(parser)
    add_subject_argument(parser)
    parser.add_argument('--zero-based', action='store_true',
                        help='the centre of the first pixel is (0, 0) in SRC, not (1, 1)')


def read_pts(path: Path, count: int, first: int = 1) -> np.ndarray:
    """Reads a .pts file of version 1.

    Args:
        path: The file.
        count: Points that it must have.
        first: Coordinate of the centre of the first pixel in the file; 1 in 300-W.

    Returns:
        (count, 3): x and y in pixels with the centre of the first pixel at 0, and v = 2.

    Raises:
        DataError: Another form or number of points; the message names the line.
    """
    lines = [(n, line.strip()) for n, line in enumerate(read_text(path, 'points in the .pts form'), 1) if line.strip()]
    for (n, line), key in zip(lines, ('version', 'n_points')):
        if not re.fullmatch(rf'{key}\s*:\s*\d+', line):
            raise DataError(f'{path}: line {n}: {line[:40]!r} is not `{key}: N`. A .pts file begins with `version: 1` '
                            f'and `n_points: {count}`.')
    body = lines[2:]
    if len(body) < 2 or body[0][1] != '{' or body[-1][1] != '}':
        raise DataError(f'{path}: the points are not between a line {{ and a last line }}. Complete the file.')
    stated, body = int(lines[1][1].split(':')[1]), body[1:-1]
    if stated != count or len(body) != count:
        raise DataError(f'{path}: line {lines[1][0]}: n_points is {stated} and {len(body)} points follow, not {count} '
                        f'and {count}. Use files of the {count}-point scheme.')
    return read_rows(path, body, first)


def convert(src: str, out: Path, args: argparse.Namespace) -> list[str]:
    """Writes the data set of the .pts files below ``src`` to the new folder ``out``.

    Raises:
        DataError: A missing or malformed file; the message names it and the line.
    """
    return convert_beside(src, out, args, 'ibug68', '.pts',
                          lambda path, count: read_pts(path, count, 0 if args.zero_based else 1))


CONVERTER = Converter('pts', '68-point .pts files beside their images', DESCRIPTION, _add_arguments, convert)
