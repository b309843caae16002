"""ImageJ and Fiji: tables of results of the point tools, and their regions (.roi, .zip)."""

from __future__ import annotations

import argparse
import csv
import re
import struct
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from benchmark.datasets.findings import Finding
from benchmark.datasets.metainfo import DataError

from .base import Annotated, Point, Reader, finite_number, peek, register
from .located import image_file, image_of_stem, resolution

#: A region's place in a stack or image, as ImageJ names it where a person gave no name.
_PLACE = re.compile(r'\d{3,}(-\d{3,})*')
_REGIONS = ('.roi', '.zip')
#: Kinds of regions that are points or lists of points, by their number in the file.
_POINTS = (10,)
_SUB_PIXEL = 128
#: Resolution that ImageJ takes for none.
_DEFAULT_DPI = 72.0
#: What a position is rounded to, beyond which a warning tells of it, in pixels.
COARSE = 0.05


class Row(NamedTuple):
    """A point of a table: line, image and name (either may be empty), x and y as they are, and their decimals."""

    line: int
    image: str
    name: str
    x: float
    y: float
    decimals: int


def parse_results(path: Path) -> list[Row]:
    """The points of a table of results, separated by commas or tabs.

    Raises:
        DataError: No columns X and Y, a cell that is no number, or points on several slices; names the line.
    """
    lines = path.read_text(encoding='utf-8-sig', errors='replace').splitlines()
    delimiter = '\t' if lines and '\t' in lines[0] else ','
    rows = list(csv.reader(lines, delimiter=delimiter))
    header = [cell.strip() for cell in rows[0]] if rows else []
    for name in ('X', 'Y'):
        if name not in header:
            raise DataError(f'{path}: no column {name}. Columns: {", ".join(filter(None, header)) or "none"}. Measure '
                            'with Centroid on (Analyze > Set Measurements), which gives X and Y.')
    found, slices = [], {}
    for number, cells in enumerate(rows[1:], 2):
        if not any(cells):
            continue
        row = dict(zip(header, cells))
        label = row.get('Label', '').strip()
        image, _, name = label.partition(':')
        name = name.strip()
        where = f'{path}: line {number}'
        if row.get('Slice') and slices.setdefault(image, row['Slice']) != row['Slice']:
            raise DataError(f'{where}: points on slices {slices[image]} and {row["Slice"]} of {image or "an image"}. '
                            'Save each slice as an image of its own.')
        x, y = (finite_number(row.get(axis, ''), f'{where}: {axis}', 'Delete the row, or measure again.')
                for axis in 'XY')
        decimals = max(len(row[axis].partition('.')[2]) for axis in 'XY')
        found.append(Row(number, image.strip(), '' if _PLACE.fullmatch(name) else name, x, y, decimals))
    return found


def parse_roi(data: bytes, where: str) -> tuple[str, list[tuple[float, float]]] | None:
    """Name and points of a region, in pixels with the first pixel's centre at 0; None for one that is no point.

    Raises:
        DataError: It is no region, or cut short.
    """
    if data[:4] != b'Iout' or len(data) < 64:
        raise DataError(f'{where}: is no region of ImageJ (its first bytes are {data[:4]!r}). Save it again.')
    top, left = struct.unpack('>hh', data[8:12])
    count, = struct.unpack('>H', data[16:18])
    options, = struct.unpack('>H', data[50:52])
    second, = struct.unpack('>i', data[60:64])
    if data[6] not in _POINTS:
        return None
    try:
        if options & _SUB_PIXEL:
            values = struct.unpack(f'>{2 * count}f', data[64 + 4 * count:64 + 12 * count])
            points = list(zip(values[:count], values[count:]))
        else:
            whole = struct.unpack(f'>{2 * count}h', data[64:64 + 4 * count])
            points = [(float(x + left), float(y + top)) for x, y in zip(whole[:count], whole[count:])]
        name = ''
        if 0 < second <= len(data) - 24:
            at, length = struct.unpack('>ii', data[second + 16:second + 24])
            name = data[at:at + 2 * length].decode('utf-16-be') if at > 0 else ''
    except (struct.error, UnicodeDecodeError):
        raise DataError(f'{where}: the region is cut short or damaged. Save it again.') from None
    return name, points


@register
class ImageJ(Reader):
    """Points of ImageJ and Fiji."""

    name = 'imagej'
    summary = 'points of ImageJ and Fiji: results or regions'
    description = """SRC is a table of results (.csv, or .txt with tabs) with X and Y, a row for each point, or a
folder of them, or of .roi files and .zip files of the ROI manager. The column Label names the image and, after a
colon, the landmark; without it the file is named after its image, and points are only counted (--names a,b,c).
ImageJ gives X and Y in the unit of a TIFF with a resolution, rounded to so many decimals: they are brought back to
pixels by the resolution of the image (--units pixels where they are pixels), and a warning says where the rounding
was coarse. A resolution of 72 dpi is none. y from below ('Invert Y') needs --origin bottom-left. ImageJ counts from
the centre of the first pixel and leaves photographs as they are stored, whatever their EXIF rotation (--rotation
stored).

  tools/prepare_data.py imagej Results.csv data/faces --images photos --names nasion,alare,subnasale"""
    patterns = ('*.csv', '*.txt', '*.roi', '*.zip')
    rotation = 'stored'

    def sniff(self, path: Path) -> str | None:
        if path.suffix.lower() in _REGIONS:
            with path.open('rb') as stream:
                if stream.read(4) == b'Iout':
                    return f'{path.name} is a region of ImageJ'
            return (f'{path.name} holds regions of ImageJ' if zipfile.is_zipfile(path) and any(
                name.endswith('.roi') for name in zipfile.ZipFile(path).namelist()) else None)
        header = [cell.strip() for cell in re.split('[,\t]', (peek(path, 4096).splitlines() or [''])[0])]
        return (f'{path.name} has a first column without a name, and X and Y'
                if header[:1] == [''] and {'X', 'Y'} <= set(header) else None)

    def read(self, src: Path, options: argparse.Namespace) -> Iterator[Annotated | str | Finding]:
        tables, coarse = [], []
        for path in self.some_files(src):
            if path.suffix.lower() in _REGIONS:
                yield from self._regions(src, path, options)
            elif path == src or self.sniff(path):
                tables.append(path)
        for path in tables:
            yield from self._results(src, path, options, coarse)
        if coarse:
            yield Finding('warning', 'coarse', f'{coarse[0][1]}: positions are rounded to {coarse[0][0]:.2g} pixels, '
                          f'as in {len(coarse)} images: the table has too few decimals for the resolution of the '
                          'image. Measure again with more (Analyze > Set Measurements > Decimal places), or without a '
                          'scale.')

    def _regions(self, src: Path, path: Path, options: argparse.Namespace) -> Iterator[Annotated]:
        if path.suffix.lower() == '.roi':
            entries = [(path.stem, path.read_bytes())]
        else:
            with zipfile.ZipFile(path) as file:
                entries = [(Path(name).stem, file.read(name)) for name in file.namelist() if name.endswith('.roi')]
        found = [(stem, parse_roi(data, f'{path}: {stem}.roi')) for stem, data in entries]
        unused = ['regions that are no points'] * any(one is None for _, one in found)
        marked = [(stem if _PLACE.fullmatch(one[0] or stem) else one[0] or stem, one[1])
                  for stem, one in found if one is not None]
        points: dict[str, Point] | list[Point | None]
        names = [name for name, _ in marked]
        if len(marked) > 1 and all(len(places) == 1 for _, places in marked) and not any(map(_PLACE.fullmatch, names)):
            if len(set(names)) < len(names):
                raise DataError(f'{path}: two regions have one name. Give each landmark a name of its own.')
            points = {name: places[0] for name, places in marked}
        else:
            points = [place for _, places in marked for place in places]
        # Regions are in pixels, whatever the scale of the image.
        yield Annotated(image_of_stem(src, path, path.stem, options), points, str(path), unused=unused)

    def _results(self, src: Path, path: Path, options: argparse.Namespace,
                 coarse: list[tuple[float, str]]) -> Iterator[Annotated]:
        by_image: dict[str, list[Row]] = defaultdict(list)
        for row in parse_results(path):
            by_image[row.image].append(row)
        for label, rows in by_image.items():
            image = self.beside(src, path, label) if label else image_of_stem(src, path, path.stem, options)
            where = f'{path}: image {label!r}' if label else str(path)
            names = [row.name for row in rows]
            if any(names) and (not all(names) or len(set(names)) < len(names)):
                raise DataError(f'{where}: names of landmarks are missing or stand twice ({", ".join(names)}). Give '
                                'each region a name of its own, or none.')
            across, down = self._scale(src, image, where, options)
            if (step := max(across, down) * 10.0 ** -max(row.decimals for row in rows)) > 2 * COARSE:
                coarse.append((step, where))
            points = [(row.x * across, row.y * down) for row in rows]
            yield Annotated(image, dict(zip(names, points, strict=True)) if any(names) else points, where)

    @staticmethod
    def _scale(src: Path, image: str, where: str, options: argparse.Namespace) -> tuple[float, float]:
        """Pixels in the unit of X and Y."""
        if options.units is not None or not image.lower().endswith(('.tif', '.tiff')):
            return 1.0, 1.0
        found = resolution(image_file(src, image, where, options))
        if found is None or found.unit == 'inch' and found.across == found.down == _DEFAULT_DPI:
            return 1.0, 1.0
        # Also where the file says no unit.
        return found.across, found.down
