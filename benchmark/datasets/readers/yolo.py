"""YOLO pose: data.yaml and a text file per image."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import yaml

from benchmark.datasets.findings import Finding
from benchmark.datasets.metainfo import IMAGE_ENDINGS, SPLITS, DataError

from .base import Annotated, Landmarks, Point, Reader, peek, register


@register
class Yolo(Reader):
    """Data sets of Ultralytics' pose models."""

    name = 'yolo'
    summary = 'YOLO pose (data.yaml, labels/*.txt)'
    description = """SRC is the data.yaml of a YOLO pose data set, or its folder: kpt_shape, images of each split, and
labels/ in the place of images/ with a line `class x y w h` and `x y` or `x y v` for each point, in shares of the
image's width and height, of its edges. kpt_names and flip_idx are taken; without names --names gives them. With two
values a point, `0 0` is the image's corner to Ultralytics and a missing point to others: --missing 0,0 decides;
negative ones are missing. Splits are kept, or --resplit.

  tools/prepare_data.py yolo faces/data.yaml data/faces --size 256"""
    patterns = ('*.yaml', '*.yml')
    pixel_origin = 'corner'
    rotation = 'turned'
    units = 'relative'

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument('--class', dest='category', metavar='NAME', help='the class to read, where several have '
                                                                             'points')

    def sniff(self, path: Path) -> str | None:
        return f'{path.name} has kpt_shape' if '\nkpt_shape' in '\n' + peek(path) else None

    def files(self, src: Path) -> list[Path]:
        found = super().files(src)
        return [path for path in found if self.sniff(path)] if src.is_dir() else found

    def read(self, src: Path, options: argparse.Namespace) -> Iterator[Annotated | Landmarks | str | Finding]:
        files = self.some_files(src)
        if len(files) > 1:
            raise DataError(f'{files[0]} and {files[1]} both describe a data set. Give one of them as SRC.')
        path, = files
        try:
            config = yaml.safe_load(path.read_text(encoding='utf-8'))
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise DataError(f'{path}: no YAML ({error}). SRC is the data.yaml of a YOLO pose data set.') from None
        shape = config.get('kpt_shape') if isinstance(config, dict) else None
        if not (isinstance(shape, list) and len(shape) == 2 and all(isinstance(v, int) for v in shape)
                and shape[0] > 0 and shape[1] in (2, 3)):
            raise DataError(f'{path}: kpt_shape is {shape!r}. Give number of points and of values a point: [17, 3].')
        classes = _classes(config.get('names'))
        chosen, names = self._class(path, config, classes, options)
        flips = config.get('flip_idx')
        if names is not None and len(names) != shape[0]:
            raise DataError(f'{path}: kpt_names has {len(names)} names, kpt_shape {shape[0]} points. Correct one.')
        if flips is not None and sorted(flips) != list(range(shape[0])):
            raise DataError(f'{path}: flip_idx is no order of the {shape[0]} points. Correct it.')
        if names is not None or flips is not None:
            yield Landmarks(names, flips)
        empty: list[str] = []
        used: Counter[int] = Counter()
        given = [split for split in SPLITS if config.get(split)]
        base = src if src.is_dir() else path.parent
        for split in given:
            for image in _images(path, config, split):
                label = _label(image)
                if not label.is_file():
                    empty.append(image.name)
                    continue
                name = image.relative_to(base).as_posix() if image.is_relative_to(base) else image.as_posix()
                yield from self._lines(label, name, split, shape[0], shape[1], chosen, used)
        if not given:
            raise DataError(f'{path}: neither train, val nor test is named. Give the folders of the images.')
        if chosen is None and len(used) > 1:
            listed = ', '.join(str(classes.get(c, c)) for c in sorted(used))
            raise DataError(f'{path}: {len(used)} classes have points ({listed}). Choose one with --class.')
        if empty:
            yield f'{len(empty)} images without a label file left out, the first is {empty[0]}'

    @staticmethod
    def _class(path: Path, config: dict, classes: dict[int, str],
               options: argparse.Namespace) -> tuple[int | None, list[str] | None]:
        """The class that is read, None for all, and the names of its points, None where there are none."""
        chosen = None
        if options.category is not None:
            chosen = next((c for c, name in classes.items() if options.category in (name, str(c))), None)
            if chosen is None:
                raise DataError(f'--class: {path} has no {options.category!r}. Classes: '
                                f'{", ".join(classes.values()) or "none"}.')
        names = config.get('kpt_names')
        if isinstance(names, dict):
            names = names.get(chosen if chosen is not None else next(iter(names), None))
        return chosen, [str(name) for name in names] if isinstance(names, list) else None

    @staticmethod
    def _lines(label: Path, image: str, split: str, count: int, values: int, chosen: int | None,
               used: Counter[int]) -> Iterator[Annotated]:
        people = 0
        for number, line in enumerate(label.read_text(encoding='utf-8').splitlines(), 1):
            if not line.strip():
                continue
            where = f'{label}: line {number}'
            try:
                cells = [float(cell) for cell in line.split()]
            except ValueError:
                raise DataError(f'{where}: {line[:40]!r} are not all numbers. Correct it.') from None
            if len(cells) != 5 + count * values:
                raise DataError(f'{where}: {len(cells)} numbers, not {5 + count * values} (class, box, and {values} '
                                f'for each of {count} points, by kpt_shape). Correct it or kpt_shape.')
            if chosen is not None and int(cells[0]) != chosen:
                continue
            used[int(cells[0])] += 1
            people += 1
            x, y, w, h = cells[1:5]
            points: list[Point | None] = []
            for k in range(5, len(cells), values):
                point = cells[k:k + values]
                points.append(None if values == 2 and min(point) < 0 or values == 3 and not point[2] else point)
            # Of a box, only pixels are kept; the landmarks' own does where the unit is another.
            yield Annotated(image, points, where, split=split, box=(x - w / 2, y - h / 2, w, h) if w > 0 < h else None)
        if not people:
            yield Annotated(image, [None] * count, str(label), split=split)


def _classes(names: object) -> dict[int, str]:
    pairs = names.items() if isinstance(names, dict) else enumerate(names) if isinstance(names, list) else ()
    return {int(k): str(v) for k, v in pairs}


def _images(path: Path, config: dict, split: str) -> list[Path]:
    """The images of a split: of folders, or of text files that list them."""
    root = str(config.get('path') or '')
    parts = config[split] if isinstance(config[split], list) else [config[split]]
    found: list[Path] = []
    for part in map(str, parts):
        tried = [path.parent / root / part, path.parent / part, path.parent / part.removeprefix('../')]
        place = next((place for place in tried if place.exists()), None)
        if place is None:
            raise DataError(f'{path}: {split}: {part} is not there. Looked for: {", ".join(map(str, tried))}.')
        if place.is_dir():
            found += sorted(p for p in place.rglob('*') if p.suffix.lower() in IMAGE_ENDINGS)
        elif place.suffix.lower() in IMAGE_ENDINGS:
            found.append(place)
        else:
            found += [place.parent / line.strip().removeprefix('./') for line in
                      place.read_text(encoding='utf-8').splitlines() if line.strip()]
    return found


def _label(image: Path) -> Path:
    """The label file of an image: ``labels`` in the place of the last ``images`` of its path."""
    parts = list(image.parts)
    for k in range(len(parts) - 2, -1, -1):
        if parts[k] == 'images':
            parts[k] = 'labels'
            break
    return Path(*parts).with_suffix('.txt')
