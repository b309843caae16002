"""Points in .pts files, each beside its image: the 68 of 300-W, or any number."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmark.datasets.findings import Finding
from benchmark.datasets.formats.beside import convert_beside, read_rows
from benchmark.datasets.formats.converter import Converter
from benchmark.datasets.formats.points import CHOICES, annotation_files, read_text
from benchmark.datasets.formats.reading import as_converter
from benchmark.datasets.formats.reading import convert as convert_read
from benchmark.datasets.metainfo import DataError
from benchmark.datasets.readers.base import Annotated, Reader, peek
from benchmark.datasets.readers.located import image_of_stem

DESCRIPTION = """SRC is a folder of .pts files, each beside its image (or --images), in folders of any depth:

  version: 1
  n_points: 68
  {
  30.5 66.0
  ...
  }

The centre of the first pixel is (1, 1), as in 300-W and menpo; --zero-based where it is (0, 0). Files of 68 points are
those of 300-W and become its 14 landmarks (--landmarks); with --names, and with any other number, the points are yours:
--names a,b,c names them, in order. Images are split by person, 64/16/20 percent.

  tools/prepare_data.py pts photos/ data/faces --size 256 --subject '^(\\w+)_'
  tools/prepare_data.py pts wings/ data/wings --names tip,base,notch --flip-policy never"""
#: Points of a file that are those of 300-W.
IBUG = 68
#: Options that points of one's own have, and the 68 of 300-W do not.
_OWN = {'flip_pairs': '--flip-pairs', 'groups': '--groups', 'missing': '--missing', 'units': '--units',
        'annotators': '--annotators', 'spacing': '--spacing'}


class Pts(Reader):
    """.pts files of any number of points."""

    name = 'pts'
    summary = '.pts files beside their images'
    description = DESCRIPTION
    patterns = ('*.pts',)
    pixel_origin = 'one-based'

    def sniff(self, path: Path) -> str | None:
        return f'{path.name} begins with version and n_points' if re.match(
            r'\s*version\s*:\s*1\s+n_points\s*:', peek(path, 256)) else None

    def read(self, src: Path, options: argparse.Namespace) -> Iterator[Annotated | str | Finding]:
        for path in self.some_files(src):
            points = read_pts(path, None, 0)
            yield Annotated(image_of_stem(src, path, path.stem, options), [(x, y) for x, y, _ in points.tolist()],
                            str(path))


OF_ANY = as_converter(Pts())


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    OF_ANY.add_arguments(parser)
    parser.add_argument('--landmarks', choices=CHOICES,
                        help='of the 68 points of 300-W: `14` (default): the 14 named landmarks; `all`: every point')
    parser.add_argument('--zero-based', action='store_const', const=0.0, dest='first_pixel',
                        help='the centre of the first pixel is (0, 0) in SRC, not (1, 1): --pixel-origin centre')


def read_pts(path: Path, count: int | None, first: float = 1) -> np.ndarray:
    """Reads a .pts file of version 1.

    Args:
        path: The file.
        count: Points that it must have; None: any number.
        first: Coordinate of the centre of the first pixel in the file; 1 in 300-W.

    Returns:
        (P, 3): x and y in pixels with the centre of the first pixel at 0, and v = 2.

    Raises:
        DataError: Another form or number of points; the message names the line.
    """
    lines = [(n, line.strip()) for n, line in enumerate(read_text(path, 'points in the .pts form'), 1) if line.strip()]
    for (n, line), key in zip(lines, ('version', 'n_points')):
        if not re.fullmatch(rf'{key}\s*:\s*\d+', line):
            raise DataError(f'{path}: line {n}: {line[:40]!r} is not `{key}: N`. A .pts file begins with `version: 1` '
                            f'and `n_points: {count or "N"}`.')
    body = lines[2:]
    if len(body) < 2 or body[0][1] != '{' or body[-1][1] != '}':
        raise DataError(f'{path}: the points are not between a line {{ and a last line }}. Complete the file.')
    stated, body = int(lines[1][1].split(':')[1]), body[1:-1]
    if count is None and stated != len(body):
        raise DataError(f'{path}: line {lines[1][0]}: n_points is {stated}, and {len(body)} points follow. Correct the '
                        'file.')
    if count is not None and (stated != count or len(body) != count):
        raise DataError(f'{path}: line {lines[1][0]}: n_points is {stated} and {len(body)} points follow, not {count} '
                        f'and {count}. Use files of the {count}-point scheme.')
    return read_rows(path, body, first)


def convert(src: str, out: Path, args: argparse.Namespace) -> list[str | Finding]:
    """Writes the data set of the .pts files below ``src`` to the new folder ``out``.

    Raises:
        DataError: A missing or malformed file; the message names it and the line.
    """
    first = Path(src) if Path(src).is_file() else annotation_files(src, '.pts')[0]
    if args.names is not None or len(read_pts(first, None)) != IBUG:
        if args.landmarks is not None:
            raise DataError(f'--landmarks: it chooses among the {IBUG} points of 300-W, which {first} is not read as. '
                            'Leave it out.')
        return convert_read(Pts(), src, out, args)
    for key, option in _OWN.items():
        if getattr(args, key):
            raise DataError(f'{option}: not for the {IBUG} points of 300-W, whose names and pairs are known. Leave it '
                            'out, or name the points yourself with --names.')
    args.landmarks = args.landmarks or '14'
    return convert_beside(src, out, args, 'ibug68', '.pts',
                          lambda path, count: read_pts(path, count, args.first_pixel))


CONVERTER = Converter('pts', Pts.summary, DESCRIPTION, _add_arguments, convert, Pts().recognise)
