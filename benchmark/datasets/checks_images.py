"""Checks of the image files of a prepared data set: what they hold, and copies of one image."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from benchmark.datasets import images
from benchmark.datasets.findings import Report
from benchmark.datasets.metainfo import DataError
from benchmark.datasets.records import Record, in_file
from benchmark.utils.machine import threads

#: Side of the thumbnails by which copies are found, and of the coarser ones that choose candidates, in pixels.
THUMB, COARSE = 32, 16
#: Least correlation of two thumbnails of copies, after the low frequencies are taken out; of candidates' coarse ones.
COPY, CANDIDATE = 0.93, 0.85
#: Least standard deviation of what is left then, in grey values; less is noise on a blank image.
TEXTURE = 1.0
#: Images that a thread scans at a time.
PART = 16
#: What is read by a rule of its own: kind of a finding, and the words for one image.
TOLD = {
    'deep': ('deep-grey', 'has more than 8 bits a channel and is read rescaled from its own least and greatest value '
                          'to 0 and 255'),
    'few-levels': ('few-grey-values', 'keeps few grey values, because a few pixels lie far from the others: mask or '
                                      'clip those'),
    'alpha': ('transparent', 'is partly transparent and is read as laid on white'),
    'rotation': ('rotation', 'carries an EXIF rotation and is read turned; where its landmarks were made on unturned '
                             'pixels, prepare the set again with --rotation stored'),
    'truncated': ('truncated', 'has no end marker and may be cut short: look at it'),
    'dicom': ('dicom', 'is DICOM, whose millimetres and names a prepared set should not hold: prepare it with '
                       'tools/prepare_data.py csv'),
}


class Scan(NamedTuple):
    """What is kept of an image file.

    Attributes:
        problem: Why it does not decode, or None; the rest is empty then.
        size: Width and height as read.
        stored: Width and height before an EXIF rotation.
        said: As ``images.Decoded.said``.
        aspect: Height and width of a pixel in any unit.
        flat: Whether all pixels have one value.
        thumb: (THUMB, THUMB) uint8.
    """

    problem: str | None
    size: tuple[int, int] = (0, 0)
    stored: tuple[int, int] = (0, 0)
    said: dict[str, str] = {}
    aspect: tuple[float, float] = (1.0, 1.0)
    flat: bool = False
    thumb: np.ndarray | None = None


def check_images(root: Path, splits: dict[str, list[Record]], decode: bool, report: Report,
                 scanned: Mapping[Path, Scan] | None = None) -> None:
    """Adds problems of the image files.

    These are: not readable, another size than the record's, read by a rule of its own
    (:mod:`benchmark.datasets.images`), one single value, and copies: the same pixels in two records (an error across
    splits), or a resized or recompressed image in another split or under another subject.

    Args:
        root: The data set's folder.
        splits: Its records.
        decode: Whether to decode; otherwise only files of the same bytes are found.
        report: What is added to.
        scanned: What is known already of files, which are not decoded again.
    """
    listed = [(split, record) for split, records in splits.items() for record in records]
    if not decode:
        digests = (hashlib.sha256(record.path.read_bytes()).digest() for _, record in listed)
        _same(root, listed, digests, lambda one, other: True, report)
        return
    known = scanned or {}
    found = scan_files(record.path for _, record in listed if record.path not in known)
    scans = [known[record.path] if record.path in known else next(found) for _, record in listed]
    for (split, record), scan in zip(listed, scans, strict=True):
        _file(in_file(root, split, record), record, scan, report)
    keys = (None if scan.problem else (scan.size, scan.thumb.tobytes()) for scan in scans)
    copies = _same(root, listed, keys, _same_pixels, report)
    _near(root, listed, scans, copies, report)


def scan_files(paths: Iterable[Path]) -> Iterator[Scan]:
    """Decodes image files, as many at a time as there are cores, in their order."""
    paths, count = list(paths), threads()
    if count == 1:
        yield from map(_scan, paths)
        return
    # Threads that hand over each image by itself would wait for each other.
    parts = [paths[start:start + PART] for start in range(0, len(paths), PART)]
    with ThreadPoolExecutor(count) as pool:
        for scans in pool.map(lambda part: [_scan(path) for path in part], parts):
            yield from scans


def thumbnail(pixels: np.ndarray) -> np.ndarray:
    """(THUMB, THUMB) uint8 of the grey image, from at most 256 x 256 samples of (h, w, 3) uint8."""
    height, width = pixels.shape[:2]
    if max(height, width) > 256:
        pixels = cv2.resize(pixels, (min(width, 256), min(height, 256)), interpolation=cv2.INTER_LINEAR)
    grey = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)
    return cv2.resize(grey, (THUMB, THUMB), interpolation=cv2.INTER_AREA)


def descriptors(thumbs: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What thumbnails are compared by: their details.

    Args:
        thumbs: (N, THUMB, THUMB) uint8.

    Returns:
        (N, THUMB squared) and, coarser, (N, COARSE squared) float32 of norm 1, whose products are correlations of the
        thumbnails without their low frequencies (a Gaussian of 2 pixels taken out); and (N,) bool, False where there
        is too little texture to compare.
    """
    identity = np.eye(THUMB, dtype=np.float32)
    blur = cv2.GaussianBlur(identity, (1, 0), 0, sigmaY=2.0, borderType=cv2.BORDER_REFLECT)
    thumbs = thumbs.astype(np.float32)
    detail = thumbs - blur @ thumbs @ blur.T
    step = THUMB // COARSE
    coarse = detail.reshape(len(thumbs), COARSE, step, COARSE, step).mean((2, 4))
    textured = detail.std((1, 2)) >= TEXTURE
    return _unit(detail), _unit(coarse), textured


def near_copies(thumbs: np.ndarray,
                apart: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> dict[int, tuple[int, float]]:
    """For each image that looks like an earlier one the most similar of those, and their correlation.

    Args:
        thumbs: (N, THUMB, THUMB) uint8.
        apart: Says of arrays of indices (i, j) which pairs count.
    """
    fine, coarse, textured = descriptors(thumbs)
    found: dict[int, tuple[int, float]] = {}
    for start in range(0, len(thumbs), 512):
        rows = slice(start, start + 512)
        later, earlier = np.nonzero(coarse[rows] @ coarse[:start + 512].T >= CANDIDATE)
        later += start
        keep = (earlier < later) & textured[later] & textured[earlier]
        later, earlier = later[keep], earlier[keep]
        keep = apart(later, earlier)
        later, earlier = later[keep], earlier[keep]
        for part in range(0, len(later), 4096):
            i, j = later[part:part + 4096], earlier[part:part + 4096]
            alike = np.einsum('nd,nd->n', fine[i], fine[j])
            for row in np.flatnonzero(alike >= COPY):
                if alike[row] > found.get(int(i[row]), (0, 0.0))[1]:
                    found[int(i[row])] = int(j[row]), float(alike[row])
    return found


def _unit(values: np.ndarray) -> np.ndarray:
    values = values.reshape(len(values), -1)
    values = values - values.mean(1, keepdims=True)
    return values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-6)


def _scan(path: Path) -> Scan:
    try:
        decoded = images.decode(path.read_bytes(), str(path))
    except DataError as error:
        return Scan(str(error))
    return scan_of(decoded)


def scan_of(decoded: images.Decoded) -> Scan:
    """What is kept of an image that was decoded."""
    thumb = thumbnail(decoded.pixels)
    flat = thumb.min() == thumb.max() and bool((decoded.pixels == decoded.pixels[0, 0]).all())
    return Scan(None, decoded.size, decoded.stored, decoded.said, decoded.aspect, flat, thumb)


def _file(where: str, record: Record, scan: Scan, report: Report) -> None:
    """Adds what is wrong with one image file."""
    if scan.problem:
        report.add('error', 'image-file', f'{where}: {scan.problem}')
        return
    said, size = dict(scan.said), (record.width, record.height)
    if scan.size != size:
        if scan.stored == size:
            del said['rotation']
            report.add('error', 'rotation', f'{where}: {record.path} carries an EXIF rotation and is read turned, but '
                       f'the record\'s size is that of the unturned pixels, {size[0]} x {size[1]}. Prepare the set '
                       'again (tools/prepare_data.py coco takes the frame that fits), or delete the tag.')
        else:
            hint = 'They are the other way round: correct' if scan.size == size[::-1] else 'Correct'
            report.add('error', 'image-size', f'{where}: {record.path} is {scan.size[0]} x {scan.size[1]}, but the '
                       f'record says {size[0]} x {size[1]}. {hint} one.')
    if abs(scan.aspect[0] / scan.aspect[1] - 1) > images.SQUARE:
        report.add('error', 'dicom', f'{where}: {record.path} has pixels of {scan.aspect[0]:g} x {scan.aspect[1]:g}, '
                   'which are not square. Prepare it with tools/prepare_data.py csv, which makes them so.')
    if scan.flat:
        report.add('warning', 'one-value', f'{where}: all pixels of {record.path} have one value. Replace or delete '
                   'it.')
    said = {'dicom' if kind == 'dicom-window' else kind: detail for kind, detail in said.items()}
    for kind, (name, words) in TOLD.items():
        if kind in said:
            detail = f' ({said[kind]})' if said[kind] else ''
            report.add('warning', name, f'{where}: {record.path} {words}{detail}.')


def _same(root: Path, listed: list[tuple[str, Record]], keys: Iterable, same: Callable[[Path, Path], bool],
          report: Report) -> set[int]:
    """Adds each image that an earlier one repeats; returns the indices of those."""
    first: dict[object, list[int]] = {}
    copies = set()
    for row, key in enumerate(keys):
        if key is None:
            continue
        split, record = listed[row]
        known = first.setdefault(key, [])
        found = next((other for other in known if same(record.path, listed[other][1].path)), None)
        if found is None:
            known.append(row)
            continue
        copies.add(row)
        other, earlier = listed[found]
        where = in_file(root, split, record)
        if other != split:
            report.add('error', 'same-image', f'{where}: the same image content is in {other} ({earlier.file_name!r}). '
                       'Keep it in one split.')
        else:
            report.add('warning', 'same-image', f'{where}: the same image content as {earlier.file_name!r} of the same '
                       'split.')
    return copies


def _same_pixels(one: Path, other: Path) -> bool:
    return np.array_equal(_pixels(one), _pixels(other))


@functools.lru_cache(maxsize=2)
def _pixels(path: Path) -> np.ndarray:
    return images.decode(path.read_bytes(), str(path)).pixels


def _near(root: Path, listed: list[tuple[str, Record]], scans: list[Scan], copies: set[int], report: Report) -> None:
    """Adds images that look like resized or recompressed copies in another split or under another subject."""
    rows = [row for row, scan in enumerate(scans) if not scan.problem and row not in copies]
    if len(rows) < 2:
        return
    split = np.array([listed[row][0] for row in rows])
    subject = np.array([listed[row][1].subject or '' for row in rows])
    thumbs = np.stack([scans[row].thumb for row in rows])
    found = near_copies(thumbs, lambda i, j: (split[i] != split[j]) | (subject[i] != subject[j]))
    for one, (other, alike) in sorted(found.items()):
        (at, record), (there, earlier) = listed[rows[one]], listed[rows[other]]
        place = f'in {there}' if there != at else f'of another subject, {earlier.subject!r}'
        report.add('warning', 'near-copy', f'{in_file(root, at, record)}: looks like a resized or recompressed copy of '
                   f'{earlier.file_name!r} {place} (correlation {alike:.3f}). If it is one, delete it or keep both in '
                   'one split.')
