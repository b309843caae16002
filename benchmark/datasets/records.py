"""What is read from a prepared data set: a record per image, and a split of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmark.datasets.metainfo import LandmarkMeta


@dataclass(frozen=True)
class Record:
    """One image with its landmarks.

    Attributes:
        image_id: The image's id in the COCO file.
        file_name: Path below ``images/``, as in the file.
        path: The image file.
        width: Pixels.
        height: Pixels.
        landmarks: (K, 2) float64, x and y in pixels, pixel centres; 0 where not visible.
        visible: (K,) bool, True where the landmark is annotated (v > 0).
        subject: The person, or None where the scheme names no subject field.
        groups: Value of each subgroup field.
        pixel_spacing: Millimetres per pixel, the image's own or else the data set's, or None.
        bbox: x, y, width, height in pixels, or None.
        annotators: Further annotators' landmarks, (K, 2) float64, NaN where not annotated.
    """

    image_id: int | str
    file_name: str
    path: Path
    width: int
    height: int
    landmarks: np.ndarray
    visible: np.ndarray
    subject: str | None = None
    groups: dict[str, str] = field(default_factory=dict)
    pixel_spacing: float | None = None
    bbox: tuple[float, float, float, float] | None = None
    annotators: dict[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True)
class Split:
    """The records of one split, in the order of its file, and the landmark scheme."""

    meta: LandmarkMeta
    records: list[Record]


def in_file(root: Path, split: str, record: Record) -> str:
    """How messages name a record: the file that it stands in, and its image."""
    return f'{root / "annotations" / f"{split}.json"}: image {record.file_name!r}'
