"""Squares that are cut out of images, and where landmarks lie in them."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmark.datasets.formats.sample import Sample
from benchmark.datasets.metainfo import DataError

#: Side of a square around a box, in units of the box's longer side.
PADDING = 1.25
#: What ``--crop`` takes.
CROPS = ('boxes', 'landmarks', 'whole')
#: Beside a prepared set's ``metainfo.json``: how its images were cut out. It is no part of the set's fingerprint.
CROP = 'crop.json'


def read_crop(root: str | Path) -> dict[str, Any] | None:
    """How a prepared set's images were cut out of photographs.

    Returns:
        ``size`` (side in pixels), ``padding`` (side of the square in units of the longer side of the box) and
        ``around``: ``box``, ``landmarks`` (so that where the square lies is known from the truth), ``both``, or
        ``whole`` for the image itself; None where nothing is cut out, or nothing is written of it.
    """
    try:
        found = json.loads((Path(root) / CROP).read_text(encoding='utf-8'))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and {'size', 'padding', 'around'} <= found.keys() else None


def settle_crop(samples: Sequence[Sample], args: argparse.Namespace) -> str:
    """What squares lie around, by ``--crop``; fills in ``--padding``.

    Returns:
        ``box``, ``landmarks``, ``both`` or ``whole``.

    Raises:
        DataError: ``--crop`` without ``--size``, or boxes are asked for and an image has none.
    """
    if args.crop and args.size is None:
        raise DataError('--crop: nothing is cut out without --size. Give it, or leave out --crop.')
    if args.padding is None:
        args.padding = 1.0 if args.crop == 'whole' else PADDING
    without = next((sample for sample in samples if sample.bbox is None), None)
    if args.crop == 'boxes' and without is not None:
        raise DataError(f'{without.where}: has no box, as --crop boxes needs. Add one, or use --crop landmarks or '
                        '--crop whole.')
    if args.crop in ('landmarks', 'whole'):
        return args.crop
    return 'box' if without is None else 'both' if any(sample.bbox for sample in samples) else 'landmarks'


def crop_square(box: Sequence[float], padding: float) -> tuple[int, int, int]:
    """The square around a box, on whole pixels.

    Args:
        box: x, y, width, height in pixels; x = 0 is the left edge of the first pixel.
        padding: Side of the square in units of the longer side of the box.

    Returns:
        x0, y0 and side in pixels; x0 = 0 is the left edge of the first pixel.
    """
    x, y, width, height = box
    side = max(1, round(padding * max(width, height)))
    return round(x + width / 2 - side / 2), round(y + height / 2 - side / 2), side


def crop_image(image: np.ndarray, square: tuple[int, int, int], size: int) -> np.ndarray:
    """Cuts a square, a part of which is inside, out of an image (h, w, c), replicating its edges; (size, size, c)."""
    x0, y0, side = square
    height, width = image.shape[:2]
    left, top, right, bottom = max(x0, 0), max(y0, 0), min(x0 + side, width), min(y0 + side, height)
    part = image[top:bottom, left:right]  # cut, not copied
    beyond = top - y0, y0 + side - bottom, left - x0, x0 + side - right
    if any(beyond):
        part = cv2.copyMakeBorder(part, *beyond, cv2.BORDER_REPLICATE)
    how = cv2.INTER_AREA if side > size else cv2.INTER_LINEAR
    return cv2.resize(part, (size, size), interpolation=how)


def crop_points(points: np.ndarray, square: tuple[int, int, int], size: int) -> np.ndarray:
    """Moves landmarks (..., 2), pixel centres, to the crop: u = (x + 0.5 - x0) * size / side - 0.5."""
    x0, y0, side = square
    return (np.asarray(points, np.float64) + 0.5 - (x0, y0)) * (size / side) - 0.5


def landmark_box(points: np.ndarray) -> tuple[float, float, float, float]:
    """x, y, width, height of landmarks (N, 2) in pixels, measured from the edge of the first pixel."""
    low, high = points.min(0) + 0.5, points.max(0) + 0.5
    return (*map(float, low), *map(float, high - low))
