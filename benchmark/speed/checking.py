"""``tools/prepare_data.py check`` beside a plain OpenCV decode of the same files, in turn."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np

from benchmark.datasets.metainfo import SPLITS
from benchmark.datasets.prepared import check_dataset
from benchmark.utils.machine import cores, keep_freed_memory

from .table import Measurement

#: Pixels on a side: a megapixel.
SIDE = 1000
#: Most of a plain decode's time.
AT_MOST = 1.10
#: A plain decode, one that keeps the memory that it frees, as the check does, and the check.
CONTESTANTS = ('plain', 'kept', 'check')


def measure(repeats: int, quick: bool, clock: Callable[[], float], images: int = 300) -> list[Measurement]:
    """Measure the check of a set of photographs of a megapixel, and ``cv2.imread`` of each of its files.

    Each call is a process of its own, in turn, that takes the time from after its imports. Both run on the same cores:
    on one, and on all (as the check does by itself; the plain decode in a pool of as many threads). The files were read
    before, so that no disk is measured. The check keeps the memory that it frees; what that is worth shows a plain
    decode that does so too.

    Args:
        repeats: Rounds; a ratio per round.
        quick: A few small images, without a target.
        clock: Not used: each process has its own.
        images: How many photographs.
    """
    side, count, target = (64, 6, {}) if quick else (SIDE, images, dict(at_most=AT_MOST))
    found = []
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / 'set'
        make_photographs(root, count, side)
        for number in dict.fromkeys((1, cores())):
            seconds: dict[str, list[float]] = {name: [] for name in CONTESTANTS}
            for turn in range(repeats):
                for name in CONTESTANTS[turn % 3:] + CONTESTANTS[:turn % 3]:
                    seconds[name].append(_call(name, number, root))
            where = f'{count} images of {side} x {side}, {number} core{"s" * (number > 1)}'
            for other, words, limit in (('plain', 'plain decode', target), ('kept', 'plain decode, memory kept', {})):
                ratios = [one / two for one, two in zip(seconds['check'], seconds[other], strict=True)]
                found.append(Measurement.of(f'check / {words} ({where})', ratios, '', **limit))
            each = [1000 * s / count for s in seconds['check']]
            found.append(Measurement.of(f'check, an image ({where})', each, 'ms'))
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


def _call(name: str, number: int, root: Path) -> float:
    """Seconds of a contestant in a process of its own on so many cores."""
    command = [sys.executable, '-m', 'benchmark.speed.checking', name, str(number), str(root)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])
    if done.returncode:
        raise RuntimeError(f'{name}: {done.stderr.strip()[-500:]}')
    return float(done.stdout.split()[-1])


def main(name: str, number: int, root: Path) -> float:
    """Seconds of one contestant, from after the imports.

    Args:
        name: One of :data:`CONTESTANTS`.
        number: Cores.
        root: The prepared set.
    """
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:number])
    cv2.setNumThreads(number)
    if name != 'plain':
        keep_freed_memory()
    files = sorted((root / 'images').iterdir())
    start = time.perf_counter()
    if name != 'check':
        _decode(files, number)
    elif not (report := check_dataset(root)).ok:
        raise RuntimeError(report.text())
    return time.perf_counter() - start


if __name__ == '__main__':
    print(main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])))
