"""TPS files, as tpsDig writes them and geomorph, MorphoJ and ml-morph read them: all images in one text file."""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from benchmark.datasets.findings import Finding
from benchmark.datasets.metainfo import DataError

from .base import Annotated, Reader, peek, register

#: Millimetres in a unit of SCALE.
UNITS = {'mm': 1.0, 'cm': 10.0, 'm': 1000.0, 'inch': 25.4, 'um': 0.001}


@dataclass
class Specimen:
    """One image of a TPS file.

    Attributes:
        line: Where it begins in the file.
        points: The landmarks' positions, None for what is missing.
        curves: Positions of each curve.
        values: The other keys, such as IMAGE, ID and SCALE, in capitals.
    """

    line: int
    points: list[tuple[float, float] | None] = field(default_factory=list)
    curves: list[list[tuple[float, float] | None]] = field(default_factory=list)
    values: dict[str, str] = field(default_factory=dict)


def parse_tps(path: Path) -> list[Specimen]:
    """The images of a TPS file, with the numbers that it has: x, y in pixels from the lower left.

    Raises:
        DataError: A malformed file, or one of points in space; the message names the line.
    """
    try:
        text = path.read_bytes().decode('utf-8-sig')
    except UnicodeDecodeError:
        text = path.read_bytes().decode('cp1252', 'replace')
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    found: list[Specimen] = []
    at = 0
    while at < len(lines):
        number, line = lines[at]
        at += 1
        key, is_key, value = (part.strip() for part in line.partition('='))
        key = key.upper()
        if not is_key:
            raise DataError(f'{path}: line {number}: {line[:40]!r} is neither KEY=VALUE nor one of the points that the '
                            'line LM= counts. Correct the number in LM= or POINTS=.')
        if key == 'LM3':
            raise DataError(f'{path}: line {number}: LM3 counts points in space (x, y, z), which lie on no photograph. '
                            'Give a file of images, LM=.')
        if key == 'LM':
            found.append(Specimen(number))
        elif not found:
            raise DataError(f'{path}: line {number}: {line[:40]!r} comes before the first LM=. An image begins with '
                            'LM=, the number of its points.')
        if key in ('LM', 'POINTS'):
            count = _count(value, f'{path}: line {number}: {key}')
            points = [_point(path, *one) for one in lines[at:at + count]]
            if len(points) != count:
                raise DataError(f'{path}: line {number}: {key}={count}, but the file ends after {len(points)} points. '
                                'Complete it.')
            at += count
            if key == 'LM':
                found[-1].points = points
            else:
                found[-1].curves.append(points)
        else:
            found[-1].values[key] = value
    return found


def _count(text: str, where: str) -> int:
    if not text.isdecimal():
        raise DataError(f'{where} is {text!r}. Give the number of points that follow.')
    return int(text)


def _point(path: Path, number: int, line: str) -> tuple[float, float] | None:
    """A position, or None where it is missing: NA, or an x below 0."""
    cells = line.replace(',', '.').split()
    if len(cells) == 2 and all(cell.upper() in ('NA', 'NAN') for cell in cells):
        return None
    try:
        x, y = map(float, cells)
    except ValueError:
        x = y = math.nan
    if not (math.isfinite(x) and math.isfinite(y)):
        raise DataError(f'{path}: line {number}: {line[:40]!r} is not `x y`. Give two numbers, or -1 -1 for what is '
                        'missing.')
    return None if x < 0 else (x, y)


@register
class Tps(Reader):
    """TPS files."""

    name = 'tps'
    summary = 'TPS files of tpsDig'
    description = """SRC is a TPS file, or a folder of them: LM= with the number of points, `x y` for each, IMAGE=
with the image, ID=, SCALE=. y grows from the lower left corner of the image, and x = 0 is its edge: whether a
program that wrote the file meant the edge or the centre of the first pixel cannot be told, and this is half a pixel
from either (--pixel-origin). A point with x below 0 (-1 -1, or what tpsDig2 writes for missing), or NA, is not
annotated. Points are only counted: --names a,b,c names them. SCALE has no unit in the file: with --scale-unit mm
(cm, m, inch, um) it is taken, as that unit a pixel. Points of CURVES follow the landmarks, in order; --curves drop
leaves them out.

  tools/prepare_data.py tps wings.tps data/wings --images photos --scale-unit mm --flip-policy never"""
    patterns = ('*.tps', '*.TPS')
    pixel_origin = 'corner'
    y_from = 'bottom-left'

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument('--scale-unit', choices=UNITS, help='unit of SCALE, which is so much in a pixel')
        parser.add_argument('--curves', choices=('keep', 'drop'), default='keep',
                            help='points of CURVES: after the landmarks (default), or left out')

    def sniff(self, path: Path) -> str | None:
        first = peek(path, 4096).lstrip('\ufeff').split('=')[0].strip().upper()
        return f'{path.name} begins with {first}=' if first in ('LM', 'LM3') else None

    def read(self, src: Path, options: argparse.Namespace) -> Iterator[Annotated | str | Finding]:
        counts = [0, 0, 0]
        for path in self.some_files(src):
            for specimen in parse_tps(path):
                yield self._annotated(src, path, specimen, options)
                points = [*specimen.points, *(point for curve in specimen.curves for point in curve)]
                counts[0] += sum(point is None for point in points)
                counts[1] += 'SCALE' in specimen.values
                counts[2] += bool(specimen.curves)
        missing, scaled, curved = counts
        if missing:
            yield f'{missing} points with x below 0, or NA, are not annotated'
        if scaled and options.scale_unit is None:
            yield (f'SCALE is not used ({scaled} images): a TPS file does not say its unit; --scale-unit mm takes it '
                   'as millimetres a pixel')
        if curved:
            yield (f'{curved} images have curves: their points '
                   + ('follow the landmarks (--curves drop leaves them out)' if options.curves == 'keep' else
                      'are left out (--curves drop)'))

    def _annotated(self, src: Path, path: Path, specimen: Specimen, options: argparse.Namespace) -> Annotated:
        values = specimen.values
        where = f'{path}: line {specimen.line}: image {values.get("IMAGE") or values.get("ID")!r}'
        if not values.get('IMAGE'):
            raise DataError(f'{where}: no IMAGE= follows LM=. Add it, with the name of the image.')
        spacing = None
        if options.scale_unit is not None:
            try:
                spacing = float(values.get('SCALE', '').replace(',', '.')) * UNITS[options.scale_unit]
            except ValueError:
                spacing = 0.0
            if not (math.isfinite(spacing) and spacing > 0):
                raise DataError(f'{where}: SCALE is {values.get("SCALE")!r}. Give {options.scale_unit} a pixel, above '
                                '0, or leave out --scale-unit.')
        curves = [point for curve in specimen.curves for point in curve] if options.curves == 'keep' else []
        fields = {key.lower(): value for key, value in values.items() if key not in ('IMAGE', 'SCALE', 'CURVES')}
        return Annotated(self.beside(src, path, values['IMAGE']), [*specimen.points, *curves], where, spacing=spacing,
                         fields=fields)
