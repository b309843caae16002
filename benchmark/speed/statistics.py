"""Time and memory of ``tools/analyze.py``, each call a process of its own, from the table on disk to analysis.json."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from .table import Measurement

ROOT = Path(__file__).resolve().parents[2]
#: Name -> methods, seeds, images, landmarks (0: none), most seconds, most GiB.
SIZES = {
    'paper': (7, 10, 310, 14, 20.0, None),
    'large': (20, 20, 10_000, 0, 180.0, 4.0),
}
QUICK = {'tiny': (3, 3, 40, 4, None, None)}
#: Run in the measured process: its wall time is taken outside, its peak memory (KiB) when it ends. getrusage's would
#: hold that of the process that started it.
PEAK = ('import runpy, sys; sys.argv = sys.argv[1:]\n'
        'try: runpy.run_path(sys.argv[0], run_name="__main__")\n'
        'finally:\n'
        '    peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))\n'
        '    print("peak", peak.split()[1], file=sys.stderr)')


#: What a table of others is measured against, in a process of its own.
PLAIN = ('import sys, pandas\n'
         'print(len(pandas.read_csv(sys.argv[1]).groupby(["method", "seed", "image"])["error"].mean()))')
#: Methods, seeds, images and landmarks of such a table.
FOREIGN, QUICK_FOREIGN = (5, 10, 1000, 20), (2, 2, 20, 2)


def make_table(methods: int, seeds: int, images: int, landmarks: int, path: Path) -> None:
    """A results table with components of the sizes that trained networks have; errors are log-normal."""
    rng = np.random.default_rng(0)
    shape = (methods, seeds, images, max(landmarks, 1))
    m, s, i, k = (index.ravel() for index in np.indices(shape))
    level = (rng.normal(0, 0.3, images)[i] + rng.normal(0, 0.1, (methods, images))[m, i]
             + rng.normal(0, 0.03, (methods, seeds))[m, s] + rng.normal(0, 0.15, shape[:3])[m, s, i])
    frame = {'method': np.char.add('method_', m.astype(str)), 'seed': s, 'image': np.char.add('image_', i.astype(str)),
             'error': np.exp(level - 0.3 + (rng.normal(0, 0.4, len(m)) if landmarks else 0.0))}
    if landmarks:
        frame['landmark'] = np.char.add('landmark_', k.astype(str))
        true, angle = rng.uniform(0, 128, (2, images, shape[3])), rng.uniform(0, 2 * np.pi, len(m))
        frame |= {'x_true': true[0][i, k], 'y_true': true[1][i, k], 'normalizer': np.full(len(m), 20.0)}
        frame |= {'x': frame['x_true'] + frame['error'] * np.cos(angle),
                  'y': frame['y_true'] + frame['error'] * np.sin(angle)}
    pd.DataFrame(frame).to_parquet(path, index=False)


def measure(repeats: int, quick: bool, clock: Callable[[], float]) -> list[Measurement]:
    """Measure all sizes.

    Args:
        repeats: Calls per size.
        quick: Only a tiny table, to see that measuring works.
        clock: Seconds.
    """
    found = []
    for name, (methods, seeds, images, landmarks, seconds, gib) in (QUICK if quick else SIZES).items():
        with tempfile.TemporaryDirectory() as folder:
            table = Path(folder) / 'results.parquet'
            make_table(methods, seeds, images, landmarks, table)
            plan = {'data': {'measurements': {'length': ['landmark_0', 'landmark_1']}}} if landmarks else {}
            (Path(folder) / 'plan.json').write_text(json.dumps(plan))
            calls = [analysis_cost(Path(folder), clock) for _ in range(repeats)]
        size = f'{methods} methods x {seeds} seeds x {images} images'
        size += f' x {landmarks} landmarks' if landmarks else ''
        for column, what, unit, most in ((0, 'time', 's', seconds), (1, 'peak memory', 'GiB', gib)):
            values = [call[column] for call in calls]
            found.append(Measurement.of(f'analysis ({name}: {size}), {what}', values, unit, at_most=most))
    return found + foreign_cost(repeats, QUICK_FOREIGN if quick else FOREIGN, quick, clock)


def foreign_cost(repeats: int, size: tuple[int, int, int, int], quick: bool,
                 clock: Callable[[], float]) -> list[Measurement]:
    """The analysis of a CSV file of others beside pandas' read_csv and one groupby of the same file, taking turns.

    Args:
        repeats: Calls of each.
        size: Methods, seeds, images and landmarks.
        quick: No targets.
        clock: Seconds.
    """
    ratios, memory = [], []
    with tempfile.TemporaryDirectory() as folder:
        table, plain = Path(folder) / 'others.csv', Path(folder) / 'others.parquet'
        make_table(*size, plain)
        columns = ['method', 'seed', 'image', 'landmark', 'error']
        pd.read_parquet(plain)[columns].round({'error': 6}).to_csv(table, index=False)
        plain.unlink()
        for turn in range(repeats):
            start = clock()
            subprocess.run([sys.executable, '-c', PLAIN, str(table)], check=True, capture_output=True)
            least = clock() - start
            seconds, peak = analysis_cost(table, clock, '--out', str(Path(folder) / str(turn)))
            ratios.append(seconds / least)
            memory.append(peak)
    name = f'analysis of {int(np.prod(size)):,} rows of others'
    return [Measurement.of(f'{name} / read_csv and one groupby, time', ratios, '', at_most=None if quick else 6),
            Measurement.of(f'{name}, peak memory', memory, 'GiB', at_most=None if quick else 2)]


def analysis_cost(results: Path, clock: Callable[[], float], *options: str) -> tuple[float, float]:
    """Seconds and GiB of one call, with 10,000 draws, the sensitivity table and everything else."""
    command = [sys.executable, '-c', PEAK, str(ROOT / 'tools/analyze.py'), str(results), '--proposed', 'method_1',
               '--margin', 'ME=0.05', *options]
    start = clock()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    seconds = clock() - start
    if done.returncode:
        raise RuntimeError(f'tools/analyze.py failed: {done.stderr.strip()[-500:]}')
    peak = next(line for line in reversed(done.stderr.splitlines()) if line.startswith('peak '))
    return seconds, int(peak.split()[1]) / 2**20
