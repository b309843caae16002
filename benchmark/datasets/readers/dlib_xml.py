"""dlib's imglab: one XML file, boxes with parts."""

from __future__ import annotations

import argparse
import re
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from benchmark.datasets.findings import Finding
from benchmark.datasets.metainfo import DataError

from .base import Annotated, Point, Reader, peek, register
from .xml_files import attribute, numeric, read_xml


@register
class Imglab(Reader):
    """Files of dlib's imglab."""

    name = 'dlib'
    summary = 'dlib imglab XML'
    description = """SRC is a file that dlib's imglab wrote, images named relative to it. A box is a person, its parts
are landmarks by their names; imglab sorts these as text (10 before 2), here numbers are in their own order. Boxes that
are to be ignored are left out. imglab keeps whole pixels, counted from 0, and leaves
photographs as they are stored, whatever their EXIF rotation (--rotation stored).

  tools/prepare_data.py dlib faces.xml data/faces --size 256"""
    patterns = ('*.xml',)
    pixel_origin = 'centre'
    rotation = 'stored'

    def sniff(self, path: Path) -> str | None:
        text = peek(path)
        return f'{path.name} has <dataset> and <images>, as imglab writes them' if (
            '<dataset>' in text and '<images>' in text) else None

    def read(self, src: Path, options: argparse.Namespace) -> Iterator[Annotated | str | Finding]:
        for path in self.some_files(src):
            root = read_xml(path)
            if root.tag != 'dataset':
                raise DataError(f'{path}: the first element is <{root.tag}>, not <dataset>. SRC is no file of imglab.')
            for image in root.iter('image'):
                yield from self._image(src, path, image)

    def _image(self, src: Path, path: Path, image: ET.Element) -> Iterator[Annotated]:
        name = attribute(image, 'file', str(path))
        where = f'{path}: image {name!r}'
        size = (int(image.get('width', '')), int(image.get('height', ''))) if all(
            image.get(key, '').isdigit() for key in ('width', 'height')) else None
        boxes = [box for box in image.iter('box') if box.get('ignore') != '1']
        unused: Counter[str] = Counter()
        unused['boxes to ignore'] += len(list(image.iter('box'))) - len(boxes)
        parted = [box for box in boxes if box.find('part') is not None]
        unused['boxes without parts'] += len(boxes) - len(parted)
        for number, box in enumerate(parted or [None]):
            at = where if len(parted) < 2 else f'{where}: box {number + 1}'
            points: dict[str, Point] = {}
            for part in [] if box is None else box.iter('part'):
                label = attribute(part, 'name', at)
                if label in points:
                    raise DataError(f'{at}: part {label!r} is there twice. Delete one.')
                points[label] = numeric(part, 'x', at), numeric(part, 'y', at)
            points = {label: points[label] for label in sorted(points, key=_natural)}
            edges = None if box is None else tuple(numeric(box, key, at) for key in ('left', 'top', 'width', 'height'))
            label = None if box is None else box.findtext('label')
            yield Annotated(self.beside(src, path, name), points, at, size, box=edges if _has_extent(edges) else None,
                            fields=dict(label=label.strip()) if label and label.strip() else {},
                            unused=[what for what, count in unused.items() if count])


def _has_extent(box: tuple[float, ...] | None) -> bool:
    return box is not None and box[2] > 0 and box[3] > 0


def _natural(name: str) -> list[tuple[int, int | str]]:
    """A key that sorts the numbers in names by their value."""
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in re.split(r'(\d+)', name) if part]
