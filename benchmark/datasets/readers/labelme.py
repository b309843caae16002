"""LabelMe: a JSON file per image, shapes of type point."""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

from benchmark.datasets.findings import Finding
from benchmark.datasets.metainfo import DataError, read_json

from .base import Annotated, Reader, has_keys, register


@register
class LabelMe(Reader):
    """LabelMe's own files."""

    name = 'labelme'
    summary = 'LabelMe JSON, a file per image'
    description = """SRC is a folder of LabelMe's JSON files, each beside its image or naming it in imagePath, in
folders of any depth, or one such file. Each shape of type point is a landmark, its label the name. Shapes with the
same group_id are one person; several persons an image need --size. LabelMe counts from the image's corner
(--pixel-origin corner) and turns photographs by their EXIF rotation, as is done here. Flags that are set in a file
are fields of the image: --groups and --subject can name them.

  tools/prepare_data.py labelme photos data/faces --size 256 --subject '^(p[0-9]+)_'"""
    patterns = ('*.json',)
    pixel_origin = 'corner'
    rotation = 'turned'

    def sniff(self, path: Path) -> str | None:
        # imageData, which may be megabytes, stands between shapes and the rest.
        return (f'{path.name} has the fields shapes, label and shape_type'
                if has_keys(path, ('shapes', 'label', 'points', 'shape_type')) else None)

    def read(self, src: Path, options: argparse.Namespace) -> Iterator[Annotated | str | Finding]:
        strangers = []
        for path in self.some_files(src):
            content = read_json(path)
            if not isinstance(content, dict) or not isinstance(content.get('shapes'), list):
                if path == src:
                    raise DataError(f'{path}: field \'shapes\' is missing or no list. SRC is no LabelMe file.')
                strangers.append(path.name)
                continue
            yield from self._image(src, path, content)
        if strangers:
            yield (f'{len(strangers)} JSON files that are not LabelMe\'s were left out: {", ".join(strangers[:3])}'
                   f'{", ..." if len(strangers) > 3 else ""}')

    def _image(self, src: Path, path: Path, content: dict) -> Iterator[Annotated]:
        name = content.get('imagePath')
        if not isinstance(name, str) or not name:
            raise DataError(f'{path}: imagePath is missing. Save the file with LabelMe, or name the image.')
        size = content.get('imageWidth'), content.get('imageHeight')
        people: dict[object, dict[str, tuple[float, float]]] = defaultdict(dict)
        unused: Counter[str] = Counter()
        for number, shape in enumerate(content['shapes']):
            where = f'{path}: shapes[{number}]'
            if not isinstance(shape, dict) or not isinstance(shape.get('label'), str):
                raise DataError(f'{where}: field \'label\' is missing. Give the shape a label, or delete it.')
            if (kind := shape.get('shape_type') or 'polygon') != 'point':
                unused[f'shapes of type {kind}'] += 1
                continue
            group, label = shape.get('group_id'), shape['label'].strip()
            if label in people[group]:
                raise DataError(f'{where}: {label!r} is marked twice in this image. Delete one, or give each person\'s '
                                'points a group_id of their own.')
            people[group][label] = _position(shape.get('points'), where)
            if shape.get('description'):
                unused['descriptions of shapes'] += 1
            unused.update(f'flag {flag!r} of shapes' for flag, on in (shape.get('flags') or {}).items() if on)
        if None in people and len(people) > 1:
            raise DataError(f'{path}: {len(people[None])} points have no group_id, the others have one. Give the '
                            'points of each person one, or all none.')
        flags = content.get('flags') if isinstance(content.get('flags'), dict) else {}
        fields = {flag: 'yes' if on is True else 'no' if on is False else on for flag, on in flags.items()}
        stated = (int(size[0]), int(size[1])) if all(isinstance(v, int) and v > 0 for v in size) else None
        for group, points in (people or {None: {}}).items():
            at = str(path) if group is None else f'{path}: group_id {group}'
            yield Annotated(self.beside(src, path, name), points, at, stated, fields=fields, unused=list(unused))


def _position(points: object, where: str) -> tuple[float, float]:
    """x and y of a shape of type point."""
    point = points[0] if isinstance(points, list) and len(points) == 1 else None
    if not isinstance(point, list) or len(point) != 2 or not all(
            isinstance(v, (int, float)) and not isinstance(v, bool) for v in point):
        raise DataError(f'{where}: points is {points!r}. A shape of type point has one x and y: [[x, y]].')
    return float(point[0]), float(point[1])
