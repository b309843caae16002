"""``tools/prepare_data.py check`` beside a plain OpenCV decode of the same files, in turn, in one process."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np

from benchmark.datasets.metainfo import SPLITS
from benchmark.datasets.prepared import check_dataset
from benchmark.machine import cores

from .table import Measurement

#: Pixels on a side: a megapixel.
SIDE = 1000
#: Most of a plain decode's time.
AT_MOST = 1.10


def measure(repeats: int, quick: bool, clock: Callable[[], float], images: int = 300) -> list[Measurement]:
    """Measure the check of a set of photographs of a megapixel, and ``cv2.imread`` of each of its files.

    Both run on the same cores: on one, and on all (as the check does by itself; the plain decode in a pool of as many
    threads). The files were read before, so that no disk is measured.

    Args:
        repeats: Rounds; a ratio per round.
        quick: A few small images, without a target.
        clock: Seconds.
        images: How many photographs.
    """
    side, count, target = (64, 6, {}) if quick else (SIDE, images, dict(at_most=AT_MOST))
    found = []
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / 'set'
        files = make_photographs(root, count, side)
        _decode(files, cores())
        for number in dict.fromkeys((1, cores())):
            seconds: dict[str, list[float]] = {'plain': [], 'check': []}
            with _on(number):
                for turn in range(repeats):
                    for name in ('plain', 'check')[::-1 if turn % 2 else 1]:
                        start = clock()
                        if name == 'plain':
                            _decode(files, number)
                        elif not (report := check_dataset(root)).ok:
                            raise RuntimeError(report.text())
                        seconds[name].append(clock() - start)
            where = f'{count} images of {side} x {side}, {number} core{"s" * (number > 1)}'
            ratios = [one / other for one, other in zip(seconds['check'], seconds['plain'], strict=True)]
            found += [Measurement.of(f'check / plain decode ({where})', ratios, '', **target),
                      Measurement.of(f'check, an image ({where})', [1000 * s / count for s in seconds['check']], 'ms')]
    return found


def make_photographs(root: Path, count: int, side: int) -> list[Path]:
    """A prepared set of smooth colours with a camera's noise, JPEGs of about a third of a byte a pixel; its files."""
    rng = np.random.default_rng(0)
    (root / 'images').mkdir(parents=True)
    (root / 'annotations').mkdir()
    category = dict(id=1, name='x', keypoints=['a', 'b'], flip_indices=[0, 1])
    files = []
    for split, rows in zip(SPLITS, np.array_split(np.arange(count), len(SPLITS)), strict=True):
        coco = dict(images=[], annotations=[], categories=[category])
        for row in map(int, rows):
            coarse = rng.integers(0, 256, (24, 24, 3), np.uint8)
            smooth = cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC)
            noisy = np.clip(smooth + rng.normal(0, 6, (side, side, 1)).round(), 0, 255).astype(np.uint8)
            files.append(root / 'images' / f'{row}.jpg')
            cv2.imwrite(str(files[-1]), noisy, [cv2.IMWRITE_JPEG_QUALITY, 90])
            coco['images'].append(dict(id=row, file_name=files[-1].name, width=side, height=side))
            points = (rng.random((2, 2)) * 8 + side / 2 * np.array([[0.5], [1.5]])).ravel().tolist()
            coco['annotations'].append(dict(id=row, image_id=row, keypoints=[*points[:2], 2, *points[2:], 2]))
        (root / 'annotations' / f'{split}.json').write_text(json.dumps(coco))
    return files


def _decode(files: list[Path], threads: int) -> None:
    if threads == 1:
        for path in files:
            cv2.imread(str(path))
        return
    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(lambda path: cv2.imread(str(path)) is None, files):
            pass


@contextmanager
def _on(number: int) -> Iterator[None]:
    """Keeps this thread, and those that it starts, on so many cores."""
    before, threads = os.sched_getaffinity(0), cv2.getNumThreads()
    os.sched_setaffinity(0, set(sorted(before)[:number]))
    cv2.setNumThreads(number)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
        cv2.setNumThreads(threads)
