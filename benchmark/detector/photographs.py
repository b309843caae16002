"""Photographs that nobody has annotated, brought to a network's input, and the way back to their pixels."""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

from benchmark.datasets import images
from benchmark.datasets.formats.crops import crop_image, crop_square
from benchmark.datasets.landmarks import fitted, geometry
from benchmark.datasets.metainfo import IMAGE_ENDINGS

from .loaded import DetectorError

COLUMNS = ('image', 'left', 'top', 'width', 'height')
#: What ``Decoded.said`` says of every file of a kind and no one need look at.
USUAL = ('rotation', 'dicom')


class Source(NamedTuple):
    """A photograph: its name in all output, and its file."""

    name: str
    path: Path


@dataclass(frozen=True)
class Reading:
    """How photographs are read.

    Attributes:
        input_size: Width and height of the network's input, in pixels.
        resize: ``squeeze`` or ``letterbox``.
        crop: How the network's images were cut out of photographs, or None.
        boxes: Name -> x, y, width, height in pixels of the box to cut out around.
        turned: Whether an EXIF rotation is applied.
        window: Whether a DICOM is rescaled over its first window.
        picture: Longest side of the small picture, in pixels; None makes none.
    """

    input_size: tuple[int, int]
    resize: str
    crop: dict[str, Any] | None = None
    boxes: dict[str, tuple[float, ...]] | None = None
    turned: bool = True
    window: bool = False
    picture: int | None = None

    @property
    def cuts(self) -> bool:
        """Whether squares are cut out: around boxes, or of whole images as the network's were."""
        return bool(self.crop) and (self.boxes is not None or self.crop['around'] == 'whole')


@dataclass(frozen=True)
class Photograph:
    """A photograph at a network's input.

    Attributes:
        entry: What a test pipeline begins with, as :class:`benchmark.datasets.landmarks.LandmarkDataset` gives it.
        size: Width and height of the photograph as it is read, in pixels.
        scale, offset: (2,) each: u in pixels of what the network saw is (u + 0.5) scale + offset - 0.5 in the
            photograph; None where the network saw the whole of it.
        square: (2,): what a pixel counts across and down, where pixels are not square.
        spacing: Millimetres per unit of ``square``, where the file states it.
        picture: A small picture (h, w, 3), BGR, or None.
        said: What was done to it, in words.
    """

    entry: dict[str, Any]
    size: tuple[int, int]
    scale: np.ndarray | None
    offset: np.ndarray | None
    square: tuple[float, float]
    spacing: float | None
    picture: np.ndarray | None
    said: list[str]

    @property
    def per_input(self) -> float:
        """Pixels of the photograph, square ones, per pixel of the network's input: one scale for both directions."""
        seen = np.asarray(self.entry['input_scale'], np.float64) / self.entry['input_size']
        return float(np.sqrt(np.prod(seen * (1.0 if self.scale is None else self.scale) * self.square)))

    def back(self, points: np.ndarray) -> np.ndarray:
        """Landmarks (K, 2), from pixels of what the network saw to those of the photograph."""
        if self.scale is None:
            return points
        return (np.asarray(points, np.float64) + 0.5) * self.scale + self.offset - 0.5


def find_photographs(places: Sequence[Path]) -> list[Source]:
    """Photographs in folders and below them, and files as they are named; a .txt names one a line.

    Names are the paths below what all places have in common, so that each is there once.

    Raises:
        DetectorError: A place that is not there, or no photograph.
    """
    files: dict[Path, None] = {}
    for place in places:
        if place.is_dir():
            found = sorted(path for path in place.rglob('*') if path.suffix.lower() in IMAGE_ENDINGS and path.is_file()
                           and not any(part.startswith('.') for part in path.relative_to(place).parts))
            if not found:
                raise DetectorError(f'{place}: no image here ({", ".join(IMAGE_ENDINGS)}). Correct the path, or name '
                                    'files.')
            files |= dict.fromkeys(map(_whole, found))
        elif place.suffix == '.txt' and place.is_file():
            lines = [line.strip() for line in place.read_text(encoding='utf-8').splitlines()]
            files |= dict.fromkeys(_whole(line) for line in lines if line)
        elif place.exists():
            files[_whole(place)] = None
        else:
            raise DetectorError(f'{place}: no such file or folder. Correct the path.')
    if not files:
        raise DetectorError(f'{places[0]}: names no image. Give a folder, image files, or a .txt with a path a line.')
    roots = {_whole(place) for place in places if place.is_dir()}
    root = next(iter(roots)) if len(roots) == len(places) == 1 else _common(files)
    return [Source(path.relative_to(root).as_posix(), path) for path in files]


def _whole(path: str | Path) -> Path:
    """A path from the root, without dots, so that no picture is written outside of the output folder."""
    return Path(os.path.abspath(path))


def _common(files: dict[Path, None]) -> Path:
    """The deepest folder that holds all files."""
    parts = [path.parent.parts for path in files]
    same = next((number for number, level in enumerate(zip(*parts, strict=False)) if len(set(level)) > 1),
                min(map(len, parts)))
    return Path(*parts[0][:same])


def read_boxes(path: Path) -> dict[str, tuple[float, ...]]:
    """Reads a table of boxes: ``image,left,top,width,height`` in pixels, an image a line.

    Raises:
        DetectorError: A column is missing, or a value is no number or has no extent; names the line.
    """
    try:
        with open(path, encoding='utf-8-sig', newline='') as file:
            reader = csv.DictReader(file)
            if missing := [name for name in COLUMNS if name not in (reader.fieldnames or ())]:
                raise DetectorError(f'{path}: no column {missing[0]!r}. Its first line must be {",".join(COLUMNS)}.')
            boxes = {}
            for row in reader:
                try:
                    box = tuple(float(row[name]) for name in COLUMNS[1:])
                except (TypeError, ValueError):
                    box = (math.nan,) * 4
                if not all(map(math.isfinite, box)) or box[2] <= 0 or box[3] <= 0:
                    raise DetectorError(f'{path}:{reader.line_num}: {row["image"]!r} has no box of four numbers with '
                                        'width and height above 0. Correct it.')
                boxes[row['image']] = box
            return boxes
    except FileNotFoundError:
        raise DetectorError(f'{path}: no such file. Correct --boxes.') from None
    except UnicodeDecodeError:
        raise DetectorError(f'{path}: is not UTF-8. Save it as UTF-8.') from None


def read_photograph(source: Source, reading: Reading) -> Photograph:
    """Reads a photograph and brings it to the input.

    Raises:
        DataError: It does not decode.
        OSError: It can't be opened.
    """
    decoded = images.decode(source.path.read_bytes(), source.name, reading.turned, reading.window)
    pixels, (width, height) = decoded.pixels, decoded.size
    scale, offset = np.ones(2), np.zeros(2)
    square, said = (1.0, 1.0), [images.PHRASES[kind] for kind in decoded.said if kind not in USUAL]
    down, across = decoded.aspect
    if abs(down / across - 1) > images.SQUARE:
        # As prepared data are: enlarged along the wider side.
        fine = min(down, across)
        square = across / fine, down / fine
        pixels = cv2.resize(pixels, (round(width * square[0]), round(height * square[1])),
                            interpolation=cv2.INTER_LINEAR)
        scale = np.array([width, height]) / (pixels.shape[1], pixels.shape[0])
    picture = None if reading.picture is None else _small(decoded.pixels, reading.picture)
    if reading.cuts:
        if reading.boxes is None:
            box: tuple[float, ...] | None = (0.0, 0.0, float(width), float(height))
        elif (box := reading.boxes.get(source.name)) is None:
            raise images.DataError(f'{source.name}: has no line in --boxes. Add one.')
        first, second = 1 / scale
        x0, y0, side = crop_square((box[0] * first, box[1] * second, box[2] * first, box[3] * second),
                                   reading.crop['padding'])
        most = max(pixels.shape[:2])
        if side > 8 * most or not (-side < x0 < pixels.shape[1] and -side < y0 < pixels.shape[0]):
            raise images.DataError(f'{source.name}: its box lies outside of the image. Correct it in --boxes.')
        size = reading.crop['size']
        pixels = crop_image(pixels, (x0, y0, side), size)
        offset, scale = scale * (x0, y0), scale * side / size
    across, down = pixels.shape[1], pixels.shape[0]
    centre, framed, padding = geometry((across, down), reading.input_size, reading.resize)
    rgb = np.ascontiguousarray(fitted(pixels, reading.input_size, reading.resize)[..., ::-1])
    entry = dict(img=rgb, img_path=str(source.path), image=source.name, row=0, id=0, img_id=0, channel_order='rgb',
                 category_id=1, ori_shape=(down, across), input_size=reading.input_size, input_center=centre,
                 input_scale=framed, padding=padding, flip=False, bbox=np.array([[0, 0, across, down]], np.float32),
                 bbox_score=np.ones(1, np.float32), subject='', groups={}, pixel_spacing=None, annotators={})
    whole = (scale == 1).all() and (offset == 0).all()
    return Photograph(entry, (width, height), None if whole else scale, None if whole else offset, square,
                      None if decoded.spacing is None else min(decoded.spacing), picture, said)


def _small(pixels: np.ndarray, longest: int) -> np.ndarray:
    """A picture whose longer side is at most so many pixels."""
    height, width = pixels.shape[:2]
    scale = min(1.0, longest / max(height, width))
    return images.resized(pixels, (max(1, round(width * scale)), max(1, round(height * scale))))
