"""``tools/prepare_data.py`` on photographs of 12 megapixels beside a plain OpenCV loop over the same files, in turn."""

from __future__ import annotations

import contextlib
import io
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from benchmark.utils.machine import cores, keep_freed_memory

from .table import Measurement

#: Width and height of a photograph, and how many different ones there are; the rest are hard links to these.
SIDES, DIFFERENT = (4000, 3000), 20
#: Side of the prepared images.
SIZE = 256
#: Most of the plain loop's processor time, and most memory in MiB.
AT_MOST, MEMORY = 1.15, 500
#: A loop that decodes, resizes and writes PNG, on one thread or in a pool; the same with the memory that it frees kept,
#: as preparing does; preparing with ``--size``, and without, which copies.
CONTESTANTS = ('loop', 'kept', 'prepare', 'copy')


class Cost(NamedTuple):
    """What a call took: seconds on the clock and of the processor, and its greatest memory in MiB."""

    wall: float
    processor: float
    memory: float


def measure(repeats: int, quick: bool, clock: Callable[[], float], images: int = 300) -> list[Measurement]:
    """Measure preparing photographs of 12 megapixels, and a plain loop over the same files.

    Each call is a process of its own, in turn, that takes the time from after its imports, on one core and on all. The
    files were read before, so that no disk is measured. Ratios are of processor time, which other work on the machine
    disturbs less than the clock.

    Args:
        repeats: Rounds; a ratio per round.
        quick: A few small images, without a target.
        clock: Not used: each process has its own.
        images: How many photographs.
    """
    sides, count = ((64, 48), 6) if quick else (SIDES, images)
    found = []
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        make_photographs(root, count, sides, min(DIFFERENT, count))
        for number in dict.fromkeys((1, cores())):
            costs: dict[str, list[Cost]] = {name: [] for name in CONTESTANTS}
            for turn in range(repeats):
                for name in CONTESTANTS[turn % 4:] + CONTESTANTS[:turn % 4]:
                    costs[name].append(_call(name, number, root))
            where = f'{count} photographs of {sides[0]} x {sides[1]}, {number} core{"s" * (number > 1)}'
            for name, option in (('prepare', f'--size {SIZE}'), ('copy', 'without --size')):
                for other, words in (('loop', 'plain loop'), ('kept', 'plain loop, memory kept')):
                    ratios = [a.processor / b.processor for a, b in zip(costs[name], costs[other], strict=True)]
                    target = dict(at_most=AT_MOST) if not quick and (name, other) == ('prepare', 'loop') else {}
                    found.append(Measurement.of(f'prepare_data.py {option} / {words} ({where})', ratios, '', **target))
                most = [cost.memory for cost in costs[name]]
                target = {} if quick else dict(at_most=MEMORY)
                found.append(Measurement.of(f'prepare_data.py {option}, memory ({where})', most, 'MiB', **target))
            each = [1000 * cost.wall / count for cost in costs['prepare']]
            found.append(Measurement.of(f'prepare_data.py --size {SIZE}, a photograph ({where})', each, 'ms'))
    return found


def make_photographs(root: Path, count: int, sides: tuple[int, int], different: int) -> None:
    """Photographs of smooth colours with a camera's noise, and a table of three landmarks in each, in ``root``.

    Args:
        root: Folder, in which ``photographs`` and ``table.csv`` are made.
        count: Photographs, hard links to the different ones; each different one is a subject.
        sides: Width and height.
        different: How many are different.
    """
    rng = np.random.default_rng(0)
    (root / 'photographs').mkdir()
    lines = ['image,subject,a_x,a_y,b_x,b_y,c_x,c_y']
    for number in range(count):
        path = root / 'photographs' / f'{number:05d}.jpg'
        if number < different:
            coarse = rng.integers(0, 256, (24, 32, 3), np.uint8)
            noise = rng.integers(-9, 10, (sides[1], sides[0], 1), np.int16)
            smooth = cv2.resize(coarse, sides, interpolation=cv2.INTER_CUBIC)
            cv2.imwrite(str(path), np.clip(smooth + noise, 0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 90])
        else:
            os.link(root / 'photographs' / f'{number % different:05d}.jpg', path)
        points = (np.array([[0.3, 0.3], [0.65, 0.33], [0.475, 0.67]]) + rng.random((3, 2)) / 12) * sides
        lines.append(f'{path.name},s{number % different},' + ','.join(f'{v:.2f}' for v in points.ravel()))
    (root / 'table.csv').write_text('\n'.join(lines) + '\n')


def _loop(files: list[Path], out: Path, count: int) -> None:
    out.mkdir()

    def one(path: Path) -> None:
        small = cv2.resize(cv2.imread(str(path)), (SIZE, SIZE), interpolation=cv2.INTER_AREA)
        cv2.imwrite(str(out / f'{path.stem}.png'), small)

    if count == 1:
        for path in files:
            one(path)
        return
    with ThreadPoolExecutor(count) as pool:
        for _ in pool.map(one, files):
            pass


def _call(name: str, number: int, root: Path) -> Cost:
    """What a contestant takes in a process of its own on so many cores."""
    with tempfile.TemporaryDirectory(dir=root) as out:
        command = [sys.executable, '-m', 'benchmark.speed.preparing', name, str(number), str(root), f'{out}/set']
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2],
                              env=os.environ | {'OMP_NUM_THREADS': str(number)})
    if done.returncode:
        raise RuntimeError(f'{name}: {(done.stderr or done.stdout).strip()[-500:]}')
    return Cost(*map(float, done.stdout.split()[-3:]))


def main(name: str, number: int, root: Path, out: Path) -> Cost:
    """What one contestant takes, from after the imports.

    Args:
        name: One of :data:`CONTESTANTS`.
        number: Cores.
        root: The photographs and their table.
        out: What to make.
    """
    from benchmark.commands.prepare_data import main as prepare

    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:number])
    cv2.setNumThreads(number)
    files = sorted((root / 'photographs').iterdir())
    start, before = time.perf_counter(), time.process_time()
    if name in ('loop', 'kept'):
        if name == 'kept':
            keep_freed_memory()
        _loop(files, out, number)
    else:
        options = ['csv', str(root / 'table.csv'), str(out), '--images', str(root / 'photographs')]
        with contextlib.redirect_stdout(io.StringIO()) as said:
            code = prepare([*options, *(['--size', str(SIZE)] if name == 'prepare' else [])])
        if code:
            raise RuntimeError(said.getvalue()[-500:])
    return Cost(time.perf_counter() - start, time.process_time() - before,
                resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


if __name__ == '__main__':
    print(*main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), Path(sys.argv[4])))
