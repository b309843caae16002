"""Checks that look at a whole prepared data set: subjects, image files and sides."""

from __future__ import annotations

import hashlib
from pathlib import Path

import cv2
import numpy as np

from benchmark.datasets.findings import Report
from benchmark.datasets.metainfo import LandmarkMeta
from benchmark.datasets.records import Record


def check_subjects(root: Path, meta: LandmarkMeta, splits: dict[str, list[Record]], report: Report) -> None:
    """Appends an error for each subject that is in more than one split."""
    if meta.subject is None:
        return
    first: dict[str, tuple[str, str]] = {}
    told = set()
    for split, records in splits.items():
        for record in records:
            other, name = first.setdefault(record.subject, (split, record.file_name))
            if other != split and (record.subject, split) not in told:
                told.add((record.subject, split))
                report.add(
                    'error', 'subject-in-two-splits',
                    f'{root / "annotations" / f"{split}.json"}: image {record.file_name!r}: {meta.subject} '
                    f'{record.subject!r} is also in {other} (image {name!r}). Keep a subject in one split.')


def check_images(root: Path, splits: dict[str, list[Record]], decode: bool, report: Report) -> None:
    """Appends problems of the image files: not readable, another size, the same content in two splits."""
    first: dict[bytes, tuple[str, str]] = {}
    for split, records in splits.items():
        for record in records:
            where = f'{root / "annotations" / f"{split}.json"}: image {record.file_name!r}'
            data = record.path.read_bytes()
            other, name = first.setdefault(hashlib.sha256(data).digest(), (split, record.file_name))
            if other != split:
                report.add('error', 'same-image', f'{where}: the same image content is in {other} ({name!r}). '
                           'Keep it in one split.')
            elif name != record.file_name:
                report.add('warning', 'same-image', f'{where}: the same image content as {name!r} of the same split.')
            if not decode:
                continue
            image = decode_image(data)
            if image is None:
                report.add('error', 'image-file', f'{where}: {record.path} cannot be decoded. Replace or delete it.')
                continue
            height, width = image.shape[:2]
            if (width, height) != (record.width, record.height):
                turned = (height, width) == (record.width, record.height)
                hint = 'Its EXIF rotation may be the cause: rotate the pixels.' if turned else 'Correct one.'
                report.add('error', 'image-size', f'{where}: {record.path} is {width} x {height}, but the record says '
                           f'{record.width} x {record.height}. {hint}')
            if data[:2] == b'\xff\xd8' and b'\xff\xd9' not in data[-4096:]:
                report.add('warning', 'truncated', f'{where}: the JPEG has no end marker; it looks truncated.')


def decode_image(data: bytes) -> np.ndarray | None:
    """Decodes to (h, w, 3) uint8 BGR as training sees it (an EXIF rotation is applied), or None."""
    if not data:
        return None
    try:
        return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        return None


def check_sides(root: Path, meta: LandmarkMeta, splits: dict[str, list[Record]], report: Report) -> None:
    """Appends a warning for each record whose left and right seem swapped.

    The order of a flip pair along x is compared with the mean order over the data set. A record is
    suspect where its pairs lie the other way round in sum, or where one pair does by more than
    half of its mean distance.
    """
    pairs = [(i, j) for i, j in enumerate(meta.flip_indices) if i < j]
    listed = [(split, record) for split, records in splits.items() for record in records]
    if not pairs or len(listed) < 3:
        return
    first, second = np.array(pairs).T
    x = np.array([np.where(r.visible, r.landmarks[:, 0], np.nan) for _, r in listed])
    distance = x[:, first] - x[:, second]
    seen = np.isfinite(distance)
    distance = np.where(seen, distance, 0.0)
    mean = distance.sum(0) / np.maximum(seen.sum(0), 1)
    along = distance * np.sign(mean)
    swapped = along < -0.5 * np.abs(mean)
    for row in np.flatnonzero((along.sum(1) < 0) | swapped.any(1)):
        split, record = listed[row]
        worst = int(np.argmin(along[row]))
        names = f'{meta.landmarks[first[worst]]} and {meta.landmarks[second[worst]]}'
        report.add('warning', 'left-right',
                   f'{root / "annotations" / f"{split}.json"}: image {record.file_name!r}: left '
                   f'and right may be swapped ({names} lie the other way round than on average).')
