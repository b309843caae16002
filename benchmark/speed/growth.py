"""How time and memory grow: with images, image size, landmarks, seeds and methods; as curves, with their exponents."""

from __future__ import annotations

import json
import statistics
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmark.experiments.suite.configs import find_config

from .contestants import Size, make_inputs
from .statistics import analysis_cost, make_table
from .table import Measurement
from .training import epoch_seconds, run_suite, train

#: What is varied, and over which values; the rest is as in the bases below.
TRAINING = {'images': (32, 64, 128, 256), 'pixels': (64, 96, 128, 192, 256), 'landmarks': (14, 28, 56, 112, 224)}
ANALYSIS = {'images': (100, 300, 1000, 3000, 10_000), 'seeds': (5, 10, 20, 40), 'methods': (3, 6, 12, 24),
            'landmarks': (7, 14, 28, 56)}
SUITE = {'seeds': (1, 2, 4, 8), 'methods': (1, 2, 4, 7)}
QUICK_TRAINING = {'landmarks': (14, 28)}
QUICK_ANALYSIS = {'images': (40, 80)}
QUICK_SUITE = {'seeds': (1, 2)}
METHODS = ('ft', 'ctd_ed', 'fe', 'ftp', 'ctd_cd', 'ctd_com', 'hg')


@dataclass(frozen=True)
class Curve:
    """A cost against a size.

    Attributes:
        what: The cost, such as 'training: time of an epoch'.
        axis: The size, such as 'images'.
        unit: Of the cost.
        sizes: Ascending.
        repetitions: Costs of each size, one per repetition; their median counts.
    """

    what: str
    axis: str
    unit: str
    sizes: tuple[float, ...]
    repetitions: tuple[tuple[float, ...], ...]

    @property
    def values(self) -> tuple[float, ...]:
        """Median cost of each size."""
        return tuple(map(statistics.median, self.repetitions))

    @property
    def exponent(self) -> float:
        """Slope of log cost on log size, by least squares: cost ~ size ** exponent."""
        return float(np.polyfit(np.log(self.sizes), np.log(self.values), 1)[0])

    @property
    def last_exponent(self) -> float:
        """The slope between the two largest sizes, where what is constant counts least."""
        return float(np.diff(np.log(self.values[-2:]))[0] / np.diff(np.log(self.sizes[-2:]))[0])

    def measurements(self) -> list[Measurement]:
        """Its points and its exponents, as rows of the tool's table."""
        rows = [(f'{self.axis} {size:g}', costs, self.unit) for size, costs in zip(self.sizes, self.repetitions)]
        rows += [(f'exponent in {self.axis}', (self.exponent,), ''),
                 (f'exponent in {self.axis}, two largest', (self.last_exponent,), '')]
        return [Measurement.of(f'{self.what}, {name}', costs, unit) for name, costs, unit in rows]


def measure(repeats: int, quick: bool, clock: Callable[[], float]) -> list[Curve]:
    """Measures all curves; each point is the median of the repetitions.

    Args:
        repeats: Repetitions of each point.
        quick: Two points of three of the curves.
        clock: Seconds.
    """
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        return [*_training(repeats, quick, folder), *_suites(repeats, quick, folder, clock),
                *_analysis(repeats, quick, folder, clock)]


def _training(repeats: int, quick: bool, folder: Path) -> Iterable[Curve]:
    """FT at the demo's width: time of an epoch after the first, and peak memory of the process."""
    base = dict(images=16, pixels=64) if quick else dict(images=64, pixels=128)
    for axis, sizes in (QUICK_TRAINING if quick else TRAINING).items():
        found = []
        for value in sizes:
            options = base | {axis: value}
            landmarks = options.pop('landmarks', 14)
            size = Size(18, options['pixels'], 8, options['images'], 32, 64)
            place = folder / f'{axis}-{value}'
            data, source = make_inputs(place, size)
            repeat_landmarks(data, landmarks)
            found.append([train('ft', size, data, source, folder) for _ in range(repeats)])
        for what, unit, cost in (('time of an epoch', 's', epoch_seconds),
                                 ('peak memory', 'MiB', lambda one: one['memory_mib'])):
            yield Curve(f'training: {what}', axis, unit, sizes,
                        tuple(tuple(map(cost, one)) for one in found))


def repeat_landmarks(data: Path, count: int) -> None:
    """Gives a set of synthetic faces more landmarks: the same ones again, under other names."""
    meta = json.loads((data / 'metainfo.json').read_text())
    first = len(meta['landmarks'])
    times = -(-count // first)
    if times == 1:
        return
    meta['landmarks'] = [f'{name}_{turn}' if turn else name for turn in range(times) for name in meta['landmarks']]
    meta['flip_indices'] = [index + turn * first for turn in range(times) for index in meta['flip_indices']]
    (data / 'metainfo.json').write_text(json.dumps(meta))
    for path in (data / 'annotations').glob('*.json'):
        content = json.loads(path.read_text())
        for entry in content['annotations']:
            entry['keypoints'] = entry['keypoints'] * times
            entry['num_keypoints'] *= times
        for category in content['categories']:
            category.update(keypoints=meta['landmarks'], flip_indices=meta['flip_indices'])
        path.write_text(json.dumps(content))


def _suites(repeats: int, quick: bool, folder: Path, clock: Callable[[], float]) -> Iterable[Curve]:
    """A suite of the demo's trainings, one epoch each, from the command to the results table."""
    path, cache = folder / 'growth.py', folder / 'suite-cache'
    base = find_config('suites', 'smoke' if quick else 'demo')
    path.write_text(f"_base_ = {str(base)!r}\nsettings = dict(iterations=10)\n")
    run_suite(path, folder / 'warm', cache, '--methods', 'ft', '--seeds', '1')
    for axis, sizes in (QUICK_SUITE if quick else SUITE).items():
        values = []
        for value in sizes:
            methods, seeds = (METHODS[:value], 2) if axis == 'methods' else (METHODS[:1], value)
            times = []
            for turn in range(repeats):
                started = clock()
                run_suite(path, folder / f'{axis}-{value}-{turn}', cache, '--methods', ','.join(methods), '--seeds',
                          str(seeds))
                times.append(clock() - started)
            values.append(tuple(times))
        yield Curve('suite: time of runs of 10 steps', axis, 's', sizes, tuple(values))


def _analysis(repeats: int, quick: bool, folder: Path, clock: Callable[[], float]) -> Iterable[Curve]:
    """Everything that tools/analyze.py computes, from the table to analysis.json."""
    base = dict(methods=3, seeds=3, images=40, landmarks=0) if quick else dict(methods=7, seeds=10, images=300,
                                                                              landmarks=0)
    for axis, sizes in (QUICK_ANALYSIS if quick else ANALYSIS).items():
        found = []
        for value in sizes:
            place = folder / f'analysis-{axis}-{value}'
            place.mkdir()
            make_table(**base | {axis: value}, path=place / 'results.parquet')
            (place / 'plan.json').write_text('{}')
            found.append([analysis_cost(place, clock) for _ in range(repeats)])
        for column, what, unit in ((0, 'time', 's'), (1, 'peak memory', 'GiB')):
            yield Curve(f'analysis: {what}', axis, unit, sizes,
                        tuple(tuple(one[column] for one in calls) for calls in found))


def draw(curves: list[Curve], path: Path) -> None:
    """Draws the curves on logarithmic axes, a panel each, into an image file."""
    import matplotlib
    matplotlib.use('agg')
    from matplotlib import pyplot

    columns = 4
    rows = -(-len(curves) // columns)
    with pyplot.rc_context({'svg.fonttype': 'none', 'svg.hashsalt': 'growth', 'font.size': 8}):
        figure, axes = pyplot.subplots(rows, columns, figsize=(10, 2.3 * rows), layout='constrained', squeeze=False)
        for panel in axes.flat[len(curves):]:
            panel.axis('off')
        for panel, curve in zip(axes.flat, curves):
            panel.loglog(curve.sizes, curve.values, 'o-', color='#1f5f8b', markersize=3.5, linewidth=1.2)
            panel.set_title(f'{curve.what}\nexponent {curve.exponent:.2f}, at the end {curve.last_exponent:.2f}',
                            fontsize=8)
            panel.set_xlabel(curve.axis)
            panel.set_ylabel(curve.unit)
            panel.set_xticks(curve.sizes, [f'{size:g}' for size in curve.sizes])
            panel.minorticks_off()
            low, high = min(curve.values), max(curve.values)
            if high < 1.1 * low:
                panel.set_ylim(low / 1.5, high * 1.5)
            marks = np.geomspace(low, high, 4 if high > 1.2 * low else 1)
            ticks = np.unique([float(f'{value:.2g}') for value in marks])
            panel.set_yticks(ticks, [f'{tick:g}' for tick in ticks])
            panel.grid(alpha=0.25)
        figure.savefig(path, metadata={'Date': None} if path.suffix == '.svg' else None)
        pyplot.close(figure)
