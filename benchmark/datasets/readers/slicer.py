"""3D Slicer: point lists on single images, .mrk.json and .fcsv."""

from __future__ import annotations

import argparse
import csv
import math
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from benchmark.datasets.findings import Finding
from benchmark.datasets.metainfo import DataError, read_json

from .base import Annotated, Reader, has_keys, peek, register
from .located import image_file, image_of_stem, resolution

_ENDINGS = ('.mrk.json', '.fcsv')
#: Most of a point's distance from the plane of its image, in millimetres.
_FLAT = 1e-3


class Points(NamedTuple):
    """A point list: positions by label in millimetres, x to the left of the patient and y to the back (LPS)."""

    positions: dict[str, tuple[float, float] | None]
    unused: list[str]


def parse_markups(path: Path) -> Points:
    """A point list of either form; None for a point that is not placed.

    Raises:
        DataError: A malformed file, points in space, or a label that stands twice.
    """
    rows, unused = _fcsv(path) if path.suffix.lower() == '.fcsv' else _json(path)
    positions: dict[str, tuple[float, float] | None] = {}
    for label, system, position in rows:
        where = f'{path}: point {label!r}'
        if system not in ('LPS', 'RAS'):
            raise DataError(f'{where}: the coordinate system is {system!r}. Save it as LPS or RAS.')
        if label in positions:
            raise DataError(f'{where}: the label stands twice. Give each landmark a label of its own.')
        if position is None:
            positions[label] = None
            continue
        if not (isinstance(position, list) and len(position) == 3 and all(
                isinstance(v, (int, float)) and math.isfinite(v) for v in position)):
            raise DataError(f'{where}: position is {position!r}. Give x, y and z.')
        if abs(position[2]) > _FLAT:
            raise DataError(f'{where}: z is {position[2]:g} mm: it lies in a volume, not on a photograph. Points are '
                            'read on single images, whose plane is at z = 0.')
        sign = 1 if system == 'LPS' else -1
        positions[label] = sign * position[0], sign * position[1]
    return Points(positions, unused)


def _json(path: Path) -> tuple[list[tuple[str, str, object]], list[str]]:
    content = read_json(path)
    lists = content.get('markups') if isinstance(content, dict) else None
    if not isinstance(lists, list):
        raise DataError(f'{path}: field \'markups\' is missing or no list. SRC is no point list of 3D Slicer.')
    rows: list[tuple[str, str, object]] = []
    unused = []
    for number, markup in enumerate(lists):
        where = f'{path}: markups[{number}]'
        if not isinstance(markup, dict) or not isinstance(markup.get('controlPoints', []), list):
            raise DataError(f'{where}: controlPoints is no list. Save the file again with 3D Slicer.')
        if markup.get('type') != 'Fiducial':
            unused.append(f'markups of type {markup.get("type")}')
            continue
        units = markup.get('coordinateUnits', 'mm')
        if units not in ('mm', ['mm'] * 3):
            raise DataError(f'{where}: coordinateUnits is {units!r}. Save the positions in mm.')
        for point in markup.get('controlPoints', []):
            if not isinstance(point, dict) or not point.get('label'):
                raise DataError(f'{where}: a control point has no label. Give it one.')
            # Without a status a point with a position is placed.
            placed = point.get('positionStatus', 'defined') == 'defined'
            rows.append((str(point['label']), str(markup.get('coordinateSystem', 'LPS')),
                         point.get('position') if placed else None))
    return rows, unused


def _fcsv(path: Path) -> tuple[list[tuple[str, str, object]], list[str]]:
    # The oldest files do not say which system they are in: RAS, also called 0.
    system, columns, rows = 'RAS', ['id', 'x', 'y', 'z', 'ow', 'ox', 'oy', 'oz', 'vis', 'sel', 'lock', 'label'], []
    for number, line in enumerate(path.read_text(encoding='utf-8-sig').splitlines(), 1):
        key, _, value = (part.strip() for part in line.lstrip('# ').partition('='))
        if line.startswith('#'):
            if key == 'CoordinateSystem':
                system = {'0': 'RAS', '1': 'LPS'}.get(value, value)
            elif key == 'columns':
                columns = [name.strip() for name in value.split(',')]
        elif line.strip():
            row = dict(zip(columns, next(csv.reader([line]))))
            try:
                position = [float(row[axis]) for axis in 'xyz']
                label = row['label']
            except (KeyError, ValueError):
                raise DataError(f'{path}: line {number}: no label with x, y and z. Save the file again with 3D '
                                'Slicer.') from None
            # Its fifteenth value, from Slicer 4.11: 2 for placed.
            status = next(csv.reader([line]))[14:15]
            rows.append((label, system, None if status in (['0'], ['1'], ['3']) else position))
    return rows, []


@register
class Slicer(Reader):
    """Point lists of 3D Slicer."""

    name = 'slicer'
    summary = 'point lists of 3D Slicer on single images'
    description = """SRC is a folder of point lists, <image>.mrk.json or <image>.fcsv beside <image>.png (or
--images), or one of them. Labels name the landmarks; a point that is not placed is not annotated. Positions are
millimetres, LPS or RAS as the file says: x / spacing and y / spacing in LPS, with both signs turned in RAS, are
pixels from the centre of the first one, as long as the image was loaded as it is. The spacing is what ITK makes of
the file: the resolution of a JPEG (JFIF) or a TIFF with a unit, ImagerPixelSpacing of a radiograph in DICOM, else 1;
--image-spacing X,Y where it was another. ITK leaves photographs as they are stored, whatever their EXIF rotation
(--rotation stored).

  tools/prepare_data.py slicer photos data/faces"""
    patterns = ('*.mrk.json', '*.fcsv')
    rotation = 'stored'

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument('--image-spacing', metavar='MM|X,Y',
                            help='millimetres in a pixel of the images as 3D Slicer showed them, across and down')

    def sniff(self, path: Path) -> str | None:
        if path.name.endswith('.fcsv'):
            return f'{path.name} begins as point lists do' if peek(path, 99).startswith('# Markups') else None
        return f'{path.name} has markups with controlPoints' if has_keys(path, ('markups', 'controlPoints')) else None

    def read(self, src: Path, options: argparse.Namespace) -> Iterator[Annotated | str | Finding]:
        given = _given(options.image_spacing)
        scaled = 0
        for path in self.some_files(src):
            stem = next(path.name[:-len(end)] for end in (*_ENDINGS, path.suffix) if path.name.endswith(end))
            image = image_of_stem(src, path, stem, options)
            found = parse_markups(path)
            across, down = given or _spacing(image_file(src, image, str(path), options))
            scaled += (across, down) != (1.0, 1.0)
            points = {label: (place[0] / across, place[1] / down)
                      for label, place in found.positions.items() if place is not None}
            yield Annotated(image, points, str(path), unused=found.unused)
        if scaled and given is None:
            yield f'positions of {scaled} images are in millimetres by the spacing that ITK reads from the image'


def _given(text: str | None) -> tuple[float, float] | None:
    if text is None:
        return None
    try:
        values = [float(part) for part in text.split(',')]
    except ValueError:
        values = []
    if len(values) not in (1, 2) or not all(math.isfinite(v) and v > 0 for v in values):
        raise DataError(f'--image-spacing: {text!r} is not one or two numbers above 0. Give millimetres, such as 0.1.')
    return values[0], values[-1]


def _spacing(path: Path) -> tuple[float, float]:
    """Millimetres in a pixel, across and down, as ITK reads them.

    Raises:
        DataError: A DICOM image with a place in the patient.
    """
    from benchmark.datasets.dicom import looks_like_dicom

    with path.open('rb') as stream:
        is_dicom = looks_like_dicom(stream.read(132))
    if not is_dicom:
        found = resolution(path)
        return (found.mm if found else None) or (1.0, 1.0)
    import pydicom

    file = pydicom.dcmread(path, force=True, stop_before_pixels=True)
    if file.get('ImagePositionPatient'):
        raise DataError(f'{path}: this slice has a place in the patient (ImagePositionPatient), so that its positions '
                        'are not those of its pixels. Save it as an image, or mark the points in pixels.')
    pair = file.get('ImagerPixelSpacing') if file.get('Modality') in ('CR', 'DX', 'IO', 'MG', 'RF', 'XA') else (
        file.get('PixelSpacing'))
    return (float(pair[1]), float(pair[0])) if pair else (1.0, 1.0)
