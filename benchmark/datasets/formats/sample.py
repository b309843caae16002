"""An annotated image as a converter found it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np


@dataclass
class Sample:
    """One annotated image as a converter found it.

    Attributes:
        source: The image file.
        name: Name below ``images/``.
        where: File and record, for messages.
        keypoints: For ``keypoints`` and each ``keypoints_<annotator>`` a (K, 3) float64 array: x, y in pixels
            (pixel centres) and v.
        split: ``train``, ``val``, ``test``, or None to be split by subject.
        fields: Further fields of the image record: subject, groups, pixel_spacing (mm) and so on.
        bbox: x, y, width, height in pixels, x = 0 being the left edge of the first pixel, or None.
        size: Width and height that the source states, or None.
        shown: What is written in the place of the photograph's name, where it is not to be written.
    """

    source: Path
    name: str
    where: str
    keypoints: dict[str, np.ndarray]
    split: str | None = None
    fields: dict = field(default_factory=dict)
    bbox: tuple[float, float, float, float] | None = None
    size: tuple[int, int] | None = None
    shown: str = ''
