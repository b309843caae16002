"""CVAT for images 1.1: one XML file, points and skeletons."""

from __future__ import annotations

import argparse
import xml.etree.ElementTree as ET
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

from benchmark.datasets.findings import Finding
from benchmark.datasets.metainfo import DataError

from .base import Annotated, Point, Reader, peek, register
from .xml_files import attribute, numeric, read_xml

#: CVAT's words for subsets of a project.
SUBSETS = dict(train='train', training='train', val='val', validation='val', valid='val', test='test')


@register
class Cvat(Reader):
    """CVAT's XML for images."""

    name = 'cvat'
    summary = 'CVAT for images 1.1 (XML)'
    description = """SRC is annotations.xml of CVAT's export `CVAT for images 1.1`, or its folder, the images in images/
beside it or in --images. A skeleton is a person, its points are landmarks by their labels; of points without a skeleton
a label is a landmark, and those with one group_id are a person. A points element with several points has no names: give
them with --names, in the order of marking. `outside` is not annotated; `occluded` has v = 1 and counts. Tags and
attributes of images and skeletons are fields. CVAT counts from the image's corner.

  tools/prepare_data.py cvat annotations.xml data/faces --images photos --size 256"""
    patterns = ('*.xml',)
    pixel_origin = 'corner'

    def sniff(self, path: Path) -> str | None:
        text = peek(path)
        return f'{path.name} has <annotations> and <image>, as CVAT writes them' if (
            '<annotations>' in text and ('<image ' in text or '<track ' in text)) else None

    def read(self, src: Path, options: argparse.Namespace) -> Iterator[Annotated | str | Finding]:
        for path in self.some_files(src):
            root = read_xml(path)
            if root.tag != 'annotations':
                raise DataError(f'{path}: the first element is <{root.tag}>, not <annotations>. Export `CVAT for '
                                'images 1.1`.')
            if root.find('track') is not None:
                raise DataError(f'{path}: tracks of a video, which names no images. Export the task as `CVAT for '
                                'images 1.1`.')
            for image in root.iter('image'):
                yield from self._image(src, path, image)

    def _image(self, src: Path, path: Path, image: ET.Element) -> Iterator[Annotated]:
        name = attribute(image, 'name', str(path))
        where = f'{path}: image {name!r}'
        unused: Counter[str] = Counter()
        common = {tag.get('label', ''): 'yes' for tag in image.iter('tag')}
        for tag in image.iter('tag'):
            common |= _attributes(tag)
        split = SUBSETS.get(image.get('subset', '').casefold())
        common |= {key: image.get(key) for key in ('task', 'subset') if image.get(key) and not (
            key == 'subset' and split)}
        found = self._people(image, where, unused)
        size = round(numeric(image, 'width', where)), round(numeric(image, 'height', where))
        for label, points, fields in found or [('', {}, {})]:
            yield Annotated(self.beside(src, path, name), points, f'{where}{label}', size,
                            split, fields=common | fields,
                            unused=list(unused))

    @staticmethod
    def _people(image: ET.Element, where: str,
                unused: Counter[str]) -> list[tuple[str, dict[str, Point] | list[Point | None], dict]]:
        """A label for messages, points and fields of each annotated person."""
        people: list[tuple[str, dict[str, Point] | list[Point | None], dict]] = []
        single: dict[str | None, dict[str, Point]] = defaultdict(dict)
        for number, element in enumerate(image):
            at = f': <{element.tag}> {number + 1}'
            if element.tag == 'skeleton':
                named: dict[str, Point] = {}
                for part in element.iter('points'):
                    _add(named, part, where + at)
                people.append((at, named, _attributes(element)))
            elif element.tag == 'points':
                points = _positions(element, where + at)
                if len(points) == 1:
                    _add(single[element.get('group_id')], element, where + at)
                else:
                    people.append((at, list(points), _attributes(element)))
            elif element.tag != 'tag':
                unused[f'<{element.tag}>'] += 1
        if len(single) > 1 and None in single:
            raise DataError(f'{where}: {len(single[None])} points belong to no group, others to one. Group the points '
                            'of each person in CVAT, or none.')
        people += [('' if group is None else f': group {group}', points, {}) for group, points in single.items()]
        if len({isinstance(points, dict) for _, points, _ in people}) > 1:
            raise DataError(f'{where}: a points element with several points, which have no names, beside points with '
                            'names. Mark all images in one way.')
        return people


def _add(points: dict[str, Point], element: ET.Element, where: str) -> None:
    label = attribute(element, 'label', where)
    if label in points:
        raise DataError(f'{where}: {label!r} is marked twice in this image. Delete one, or group the points of each '
                        'person in CVAT.')
    position, = _positions(element, where)
    points[label] = (*position[:2], 0) if element.get('outside') == '1' else position


def _positions(element: ET.Element, where: str) -> list[tuple[float, float, int]]:
    """x, y and v of each point of an element."""
    text = attribute(element, 'points', where)
    seen = 1 if element.get('occluded') == '1' else 2
    try:
        return [(float(x), float(y), seen) for x, y in (pair.split(',') for pair in text.split(';'))]
    except ValueError:
        raise DataError(f'{where}: points is {text[:40]!r}. Give x,y, with semicolons between points.') from None


def _attributes(element: ET.Element) -> dict[str, str]:
    return {one.get('name', ''): one.text or '' for one in element.findall('attribute')}
