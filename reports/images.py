"""Test pictures with true and predicted landmarks: one JPEG per picture, the points as vectors over it."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from markupsafe import Markup

from benchmark.datasets.images import decode
from benchmark.datasets.metainfo import DataError

SIDE = 280  # longest side of an embedded picture, in pixels
MARGIN = 0.3  # of the landmarks' larger extent, on each side
ARM = 2.1  # of a cross, in percent of the picture's width
TRUE = '#2bff6a'
#: x and y of each landmark; None where it is not known.
Points = Sequence[Sequence[float | None]]


@dataclass(frozen=True)
class Picture:
    """A picture, cut to the landmarks.

    Attributes:
        uri: ``data:image/jpeg`` URI.
        box: x, y, width, height of the cut in pixels of the prepared image; pixel centres are whole numbers.
    """

    uri: str
    box: tuple[float, float, float, float]

    @property
    def view(self) -> str:
        return ' '.join(f'{value:g}' for value in self.box)


def load(root: str | Path | None, sample: dict[str, Any], base: Path) -> Picture | None:
    """Read a sample's picture, cut it to a square around its true landmarks and encode it.

    Args:
        root: The data set's folder; a relative one starts at ``base``.
        sample: An entry of ``samples``.
        base: Folder of ``analysis.json``.

    Returns:
        None where the picture is absent, unreadable or outside of the data set's folder.
    """
    if not root:
        return None
    folder = (base / Path(root) / 'images').resolve()
    try:
        path = (folder / sample['image']).resolve()
        if not (path.is_relative_to(folder) and path.is_file()):
            return None
        pixels = decode(path.read_bytes(), str(path)).pixels
    except (OSError, ValueError, DataError):  # ValueError: such as a name with a null byte
        return None
    left, top, width, height = _cut(np.asarray(sample['truth'], dtype=float), *pixels.shape[1::-1])
    cut = pixels[top : top + height, left : left + width]
    scale = min(1.0, SIDE / max(width, height))
    if scale < 1:
        cut = cv2.resize(
            cut, (max(1, round(width * scale)), max(1, round(height * scale))), interpolation=cv2.INTER_AREA
        )
    done, jpeg = cv2.imencode('.jpg', cut, [cv2.IMWRITE_JPEG_QUALITY, 82])
    if not done:
        return None
    uri = 'data:image/jpeg;base64,' + base64.b64encode(jpeg.tobytes()).decode('ascii')
    return Picture(uri, (left - 0.5, top - 0.5, float(width), float(height)))


def definition(picture: Picture, element: str, truth: Points) -> Markup:
    """What the overlays use: the ``<image>``, and ``<element>-true``, the true positions as crosses.

    Args:
        picture: The picture.
        element: Id of its ``<image>``.
        truth: K x 2, pixels of the prepared image.
    """
    x, y, width, height = picture.box
    arm = ARM * width / 100
    cross = ''.join(f'M{a - arm:.1f} {b:.1f}H{a + arm:.1f}M{a:.1f} {b - arm:.1f}V{b + arm:.1f}'
                    for a, b in truth if a is not None and b is not None)
    return Markup(
        '<image id="{0}" href="{1}" x="{2:g}" y="{3:g}" width="{4:g}" height="{5:g}"/>'
        '<g id="{0}-true" fill="none" stroke-linecap="round"><path d="{6}" stroke="#000" stroke-opacity=".55" '
        'stroke-width="{7:.2f}"/><path d="{6}" stroke="{8}" stroke-width="{9:.2f}"/></g>'
    ).format(element, picture.uri, x, y, width, height, cross, 0.016 * width, TRUE, 0.008 * width)


def overlay(picture: Picture, element: str, truth: Points, points: Points, colour: str, label: str) -> Markup:
    """The picture ``element`` with green crosses (truth), dots (prediction) and a line between the two.

    Args:
        picture: Gives the part of the image that is shown.
        element: Id of the picture's ``<image>`` element, see :func:`definition`.
        truth: K x 2, pixels of the prepared image.
        points: K x 2, pixels of the prepared image.
        colour: The method's colour.
        label: What it shows, in words.
    """
    size = picture.box[2] / 100
    pairs = [(*a, *b) for a, b in zip(truth, points, strict=True) if None not in (*a, *b)]
    lines = ''.join(f'M{a:.1f} {b:.1f}L{x:.1f} {y:.1f}' for a, b, x, y in pairs)
    # A dot is a line without length, with round ends: twice, for its white rim.
    dots = ''.join(f'M{x:.1f} {y:.1f}h0' for _, _, x, y in pairs)
    return _face(picture, label, Markup(
        '<use href="#{0}"/><path d="{1}" stroke="#fff" stroke-width="{2:.2f}"/><use href="#{0}-true"/>'
        '<g fill="none" stroke-linecap="round"><path d="{3}" stroke="#fff" stroke-width="{4:.2f}"/>'
        '<path d="{3}" stroke="{5}" stroke-width="{6:.2f}"/></g>'
    ).format(element, lines, 0.5 * size, dots, 3.2 * size, colour, 2.3 * size))


def heated(picture: Picture, element: str, heat: str, label: str) -> Markup:
    """The picture under a predicted heatmap.

    Args:
        picture: Gives the part of the image that is shown.
        element: Id of the picture's ``<image>`` element.
        heat: Id of the heatmap's.
        label: What it shows, in words.
    """
    return _face(picture, label, Markup('<use href="#{}"/><use href="#{}"/>').format(element, heat))


def _face(picture: Picture, label: str, content: Markup) -> Markup:
    return Markup('<svg class="face" viewBox="{}" role="img" aria-label="{}">{}</svg>').format(
        picture.view, label, content)


def _cut(truth: np.ndarray, width: int, height: int) -> tuple[int, int, int, int]:
    """left, top, width, height of a square around the points, moved into the image."""
    known = truth[np.isfinite(truth).all(axis=1)]
    if not len(known):
        return 0, 0, width, height
    low, high = known.min(axis=0), known.max(axis=0)
    side = int(np.ceil(max(16.0, float((high - low).max()) * (1 + 2 * MARGIN))))
    middle = (low + high) / 2
    across, down = min(side, width), min(side, height)
    left = int(np.clip(round(middle[0] - across / 2), 0, width - across))
    top = int(np.clip(round(middle[1] - down / 2), 0, height - down))
    return left, top, across, down
