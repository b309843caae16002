"""One sample becomes one image of a prepared set; several at once, in the order of the samples."""

from __future__ import annotations

import argparse
import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import NamedTuple

import cv2
import numpy as np

from benchmark.datasets.checks_images import Scan
from benchmark.datasets.formats.crops import crop_image, crop_points, crop_square, landmark_box
from benchmark.datasets.formats.originals import Original
from benchmark.datasets.formats.sample import Sample
from benchmark.datasets.formats.sample_image import Read, read_image
from benchmark.datasets.metainfo import DataError, LandmarkMeta
from benchmark.utils.machine import threads


class Options(NamedTuple):
    """How images are made.

    Attributes:
        args: ``size``, ``padding`` and how images are read.
        meta: The scheme.
        drop_outside: Whether a landmark outside of its image becomes 'not annotated'; otherwise it is refused.
        place: Sample, image width and height -> the sample in pixel centres, or None.
    """

    args: argparse.Namespace
    meta: LandmarkMeta
    drop_outside: bool
    place: Callable[[Sample, int, int], Sample] | None


@dataclass(frozen=True)
class Made:
    """An image of a prepared set.

    Attributes:
        sample: With landmarks, box and spacing of the image.
        data: The bytes to write, or None where no landmark is inside of the image.
        size: Width and height in pixels.
        original: The way back; its name, split and photograph are not known yet.
        said: What was done (``images.PHRASES``).
        dropped: How many landmarks lay outside.
        tiny: Whether the landmarks span next to nothing.
        widened: Whether the crop had to be widened.
        scan: What the check asks of the file, or None.
    """

    sample: Sample
    data: bytes | None
    size: tuple[int, int]
    original: Original
    said: dict[str, str]
    dropped: int = 0
    tiny: bool = False
    widened: bool = False
    scan: Scan | None = None


def in_order(make: Callable[[Sample], Made], samples: Sequence[Sample]) -> Iterator[tuple[Sample, Made]]:
    """Each sample and what is made of it, in the order of ``samples``, a few at once.

    Raises:
        DataError: That of the first sample that has one.
    """
    count = threads()
    with ThreadPoolExecutor(count) as pool:
        ahead: deque[tuple[Sample, Future[Made]]] = deque()
        try:
            for sample in samples:
                ahead.append((sample, pool.submit(make, sample)))
                if len(ahead) > 2 * count:
                    one, made = ahead.popleft()
                    yield one, made.result()
            while ahead:
                one, made = ahead.popleft()
                yield one, made.result()
        finally:
            for _, made in ahead:
                made.cancel()


def make_image(sample: Sample, options: Options) -> Made:
    """Reads, checks, cuts out and encodes the image of a sample.

    Raises:
        DataError: An image that is missing or does not decode, or a landmark or crop outside of it.
    """
    args, meta = options.args, options.meta
    read = read_image(sample, args, meta.pixel_spacing, options.place)
    sample, data, image = read.sample, read.data, read.pixels
    height, width = image.shape[:2]
    dropped = _drop_outside(sample, width, height) if options.drop_outside else 0
    if options.drop_outside and not sample.keypoints['keypoints'][:, 2].any():
        return Made(sample, None, (width, height), _original(read, None, None), read.said, dropped)
    _check_inside(sample, meta, width, height, args, read.said)
    tiny = not options.drop_outside and _is_tiny(sample, width, height)
    square, widened = None, False
    if args.size is not None:
        sample, image, square, widened = _crop(sample, image, args, meta.pixel_spacing)
        data = cv2.imencode('.png', image)[1].tobytes()
    elif data is None:
        grey = (image == image[:, :, :1]).all()
        data = cv2.imencode('.png', image[:, :, 0] if grey else image)[1].tobytes()
        sample = replace(sample, name=PurePosixPath(sample.name).with_suffix('.png').as_posix())
    return Made(sample, data, (image.shape[1], image.shape[0]), _original(read, square, args.size), read.said, dropped,
                tiny, widened, read.scan)


def _original(read: Read, square: tuple[int, int, int] | None, size: int | None) -> Original:
    """The way back from an image, or from the square that was cut out of it and resized, to the photograph."""
    width, height = read.photograph
    across, down = width / read.pixels.shape[1], height / read.pixels.shape[0]
    x0, y0, share = (0, 0, 1.0) if square is None or size is None else (*square[:2], square[2] / size)
    frame = 'turned' if 'rotation' in read.said else 'stored' if 'rotation-stored' in read.said else ''
    rows, columns = read.spacing or (None, None)
    return Original('', '', '', width, height, frame, share * across, share * down, x0 * across, y0 * down,
                    rows, columns, read.spacing_from)


def _drop_outside(sample: Sample, width: int, height: int) -> int:
    """Marks landmarks outside of the image as not annotated, in place; returns how many of the main ones."""
    counts = {}
    for key, points in sample.keypoints.items():
        inside = ((points[:, :2] >= -0.5) & (points[:, :2] <= (width - 0.5, height - 0.5))).all(axis=1)
        outside = ~inside & (points[:, 2] > 0)
        points[outside] = 0
        counts[key] = int(outside.sum())
    return counts['keypoints']


def _is_tiny(sample: Sample, width: int, height: int) -> bool:
    """Whether three and more landmarks, not all at one point, span under 1 % of the image's longer side."""
    points = sample.keypoints['keypoints']
    points = points[points[:, 2] > 0, :2]
    return len(points) > 2 and 0 < np.ptp(points, axis=0).max() < 0.01 * max(width, height)


def _outside_hint(x: float, y: float, width: int, height: int, args: argparse.Namespace) -> str:
    """A likely cause of a landmark at x, y outside of its image, for formats that have an option for it."""
    if not hasattr(args, 'missing'):
        return ''
    if args.units in ('relative', 'percent') or args.origin == 'bottom-left':
        return ' Look whether --units and --origin are right.'
    if x < 0 and y < 0:
        shift = args.first_pixel or 0
        return f' Where this position means so in all of SRC, use --missing={x + shift:g},{y + shift:g}.'
    if -0.5 <= x <= width + 0.5 and -0.5 <= y <= height + 0.5 and not args.first_pixel:
        return ' Where SRC counts from the corner of the image or from 1, use --pixel-origin corner or one-based.'
    return ''


def _check_inside(sample: Sample, meta: LandmarkMeta, width: int, height: int, args: argparse.Namespace,
                  said: dict[str, str]) -> None:
    """Refuses a landmark outside of the image that it was marked in; a crop would hide that."""
    other = 'stored' if 'rotation' in said else 'turned' if 'rotation-stored' in said else None
    hint = f' The image carries an EXIF rotation: try --rotation {other}.' if other else ''
    for key, points in sample.keypoints.items():
        for name, (x, y, v) in zip(meta.landmarks, points.tolist(), strict=True):
            if v not in (0, 1, 2):
                raise DataError(f'{sample.where}: {key}: {name} has visibility {v:g}. Use 0, 1 or 2; a confidence is '
                                'no visibility.')
            if v > 0 and not (-0.5 <= x <= width - 0.5 and -0.5 <= y <= height - 0.5):
                raise DataError(f'{sample.where}: {key}: {name} at ({x:g}, {y:g}) is outside of the {width} x {height} '
                                f'image. Correct it, or mark it as not annotated.'
                                f'{hint or _outside_hint(x, y, width, height, args)}')


def _crop(sample: Sample, image: np.ndarray, args: argparse.Namespace,
          spacing: float | None) -> tuple[Sample, np.ndarray, tuple[int, int, int], bool]:
    """The sample and its image after crop and resize, the square, and whether it had to be widened."""
    height, width = image.shape[:2]
    box = sample.bbox if args.crop != 'landmarks' else None
    if args.crop == 'whole':
        box = 0.0, 0.0, float(width), float(height)
    square, widened = _square(sample, args.padding, box)
    x0, y0, side = square
    if side > 8 * max(width, height) or not (-side < x0 < width and -side < y0 < height):
        raise DataError(f'{sample.where}: the crop of {side} pixels at ({x0}, {y0}) lies outside of the '
                        f'{width} x {height} image. Correct bbox and landmarks.')
    scale = args.size / side
    keypoints = {key: np.column_stack([crop_points(k[:, :2], square, args.size), k[:, 2]])
                 for key, k in sample.keypoints.items()}
    bbox = sample.bbox
    if bbox is not None:
        bbox = ((bbox[0] - x0) * scale, (bbox[1] - y0) * scale, bbox[2] * scale, bbox[3] * scale)
    spacing = sample.fields.get('pixel_spacing') or spacing
    fields = sample.fields | ({} if spacing is None else dict(pixel_spacing=spacing / scale))
    name = PurePosixPath(sample.name).with_suffix('.png').as_posix()
    sample = replace(sample, name=name, keypoints=keypoints, bbox=bbox, fields=fields)
    return sample, crop_image(image, square, args.size), square, widened


def _square(sample: Sample, padding: float,
            box: tuple[float, float, float, float] | None) -> tuple[tuple[int, int, int], bool]:
    """The crop around a box, or the landmarks, and whether it was widened so that it holds every visible landmark."""
    points = sample.keypoints['keypoints']
    points = points[points[:, 2] > 0, :2]
    around = landmark_box(points)
    box = box or around
    square = crop_square(box, padding)
    if square[2] < 2:
        raise DataError(f'{sample.where}: the box {list(box)} has no extent. Add a bbox or leave out --size.')
    inside = crop_points(points, square, 1)
    if (inside >= -0.5).all() and (inside <= 0.5).all():
        return square, False
    low = np.minimum(box[:2], around[:2])
    high = np.maximum(np.add(box[:2], box[2:]), np.add(around[:2], around[2:]))
    longest = float((high - low).max())
    # One pixel more than the box, so that rounding to whole pixels cannot cut it.
    padding = max(padding, (math.ceil(longest) + 1) / longest)
    return crop_square((*low, *(high - low)), padding), True
