"""Time and memory of training, method by method, beside stock MMPose: alternating, each in a process of its own."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmark.experiments.suite.configs import find_config
from benchmark.utils.machine import computes_in_bfloat16, cores

from .contestants import CONTESTANTS, PEERS, Size, make_inputs
from .counts import FROZEN, matrix_rate, step_flops
from .table import Measurement

SIZES = (Size(18, 128, 8, 64), Size(50, 256, 2, 16))
QUICK = (Size(18, 64, 4, 8),)
#: What is compared: name, the other, what it is called, at most.
RATIOS = (
    ('ft', 'stock', 'FT / stock MMPose', 0.90),
    ('ctd_ed', 'ft', 'CTD-ED / FT', 1.03),
    ('ctd_com', 'ft', 'CTD-Com / FT', 1.03),
    ('ctd_ed_online', 'ft', 'CTD-ED, source on the fly / FT', None),
    ('fe', 'ft', 'FE / FT', 0.30),
    ('ftp', 'ft', 'FTP / FT', 0.50),
    ('ft_bf16', 'ft', 'FT in bfloat16 / FT', 0.65),
    ('stock_ctd', 'stock', 'stock with a source on the fly / stock', None),
)
#: The same for a converted network, whose layers are small.
NARROW = {'ft': 0.80, 'ctd_ed': 1.03, 'ctd_com': 1.03, 'fe': 0.25}
EPOCHS = 4
#: Whose frozen networks' outputs are cached. So few epochs don't see all views of an image: each trains once before the
#: rounds.
CACHED = ('ctd_ed', 'ctd_com', 'fe', 'ftp')


def measure(repeats: int, quick: bool, clock: Callable[[], float], backbone: str | None = None, stride: int = 16,
            pixels: int = 160, batch: int = 4, processor: bool = False, resnet: int | None = None,
            only: Sequence[str] = ()) -> list[Measurement]:
    """Measure all sizes.

    Args:
        repeats: Rounds; in each, every contestant trains once.
        quick: A tiny size and one round.
        clock: Seconds, for the processor's own rate; each training has a clock of its own.
        backbone: A suite's word for a converted network in the place of the ResNets, with random weights, and decoders
            of 128 channels; None: the ResNets.
        stride: Where it is cut.
        pixels: Side of its input.
        batch: Images of its steps.
        processor: Takes processor time on one thread in the place of wall time, for a machine that others use too.
        resnet: Depth of the ResNet to measure alone; None: all of :data:`SIZES`.
        only: Contestants, FT among them; none: all.
    """
    found = []
    asked = CONTESTANTS
    sizes = QUICK if quick else [size for size in SIZES if resnet in (None, size.depth)]
    if backbone:
        asked = (*NARROW, 'stock', 'stock_fe')
        sizes = (Size(18, pixels, batch, 2 * batch if quick else 32, decoder=16 if quick else 128, backbone=backbone,
                      stride=stride),)
    asked = [name for name in asked if not only or name in only]
    contestants = [name for name in asked if computes_in_bfloat16() or not name.endswith('_bf16')]
    if len(contestants) < len(asked):
        print('training: this processor has no bfloat16 instructions; arithmetic in it is not measured.\n')
    with tempfile.TemporaryDirectory() as folder:
        for size in sizes:
            data, source = make_inputs(Path(folder) / f'{size.depth}', size)
            rounds = []
            options = dict(workers=('0',), threads=1) if processor else {}
            for name in CACHED:
                if name in contestants:
                    train(name, size, data, source, Path(folder), **options)
            for number in range(repeats):
                # Nobody always comes first, or always after the same one.
                turn = contestants[number % len(contestants):] + contestants[:number % len(contestants)]
                one = {name: train(name, size, data, source, Path(folder), **options) for name in turn}
                if processor:
                    one = {name: took | dict(epochs=took['processor']) for name, took in one.items()}
                rounds.append(one | {'matrix_rate': matrix_rate(time.process_time if processor else clock)})
            found += compare(size, rounds, targets=not quick)
    return found


def train(name: str, size: Size, data: Path, source: Path, folder: Path, workers: Sequence[str] = ('0', '2'),
          **options: Any) -> dict:
    """One training; stock MMPose with several numbers of data loading workers, and the fastest of these counts.

    Args:
        name: Of the contestant.
        size: What is trained.
        data: Prepared data set.
        source: Source checkpoint.
        folder: Where specs and features lie.
        workers: What stock MMPose is tried with.
        options: Of the process: ``epochs``, ``threads``, ``together`` (how many start their second epoch together).
    """
    if name not in PEERS:
        return _process(name, size, data, source, folder, {}, **options)
    tried = [_process(name, size, data, source, folder, {'STOCK_WORKERS': count}, **options) for count in workers]
    return min(tried, key=epoch_seconds)


def epoch_seconds(one: dict) -> float:
    """Median time of an epoch after the first."""
    return statistics.median(one['epochs'][1:])


def steps(size: Size) -> int:
    """Steps of an epoch."""
    return -(-size.images // size.batch)


def steps_per_second(one: dict, size: Size) -> float:
    """Rate of a training in the second half of its epochs, when more views have been seen."""
    epochs = one['epochs'][len(one['epochs']) // 2:]
    return steps(size) / statistics.median(epochs)


def together(name: str, count: int, size: Size, data: Path, source: Path, folder: Path, epochs: int) -> float:
    """Steps per second of several trainings that start their second epoch at the same moment, all of them summed.

    Args:
        name: Of the contestant.
        count: How many, each on one thread.
        size: What is trained.
        data: Prepared data set.
        source: Source checkpoint.
        folder: Where they meet; it must not exist yet.
        epochs: Length of each.
    """
    folder.mkdir()
    with ThreadPoolExecutor(count) as pool:
        done = list(pool.map(lambda _: train(name, size, data, source, folder, epochs=epochs, threads=1,
                                             together=count), range(count)))
    return sum(steps_per_second(one, size) for one in done)


def compare(size: Size, rounds: list[dict], targets: bool) -> list[Measurement]:
    """Ratios per round, and their medians.

    Args:
        size: What was trained.
        rounds: Contestant -> what it took, per round.
        targets: Whether the targets hold at this size.
    """
    found = []

    def add(what: str, values: list[float], unit: str, most: float | None) -> None:
        found.append(Measurement.of(f'{size.name}: {what}', values, unit, at_most=most if targets else None))

    # torch counts the gradients of depthwise convolutions as those of full ones.
    counted = {} if size.backbone else {name: step_flops(name, size) for name in FROZEN}
    for name, other, what, most in RATIOS:
        if name not in rounds[0] or other not in rounds[0]:
            continue
        most = NARROW[name] if size.backbone else most
        add(f'{what}, time of an epoch', [epoch_seconds(one[name]) / epoch_seconds(one[other]) for one in rounds], '',
            most)
        if name in counted and other in counted:
            add(f'{what}, operations of a step', [counted[name] / counted[other]], '', None)
    add('FT, time of an epoch', [epoch_seconds(one['ft']) for one in rounds], 's', None)
    if 'ft' in counted:
        rates = [counted['ft'] * steps(size) / epoch_seconds(one['ft']) for one in rounds]
        add('FT, achieved', [rate / 1e9 for rate in rates], 'GFLOP/s', None)
        add("FT, share of the processor's rate in matrix products",
            [rate / one['matrix_rate'] for rate, one in zip(rates, rounds)], '', None)
    if 'stock' in rounds[0]:
        add('stock MMPose, time of an epoch', [epoch_seconds(one['stock']) for one in rounds], 's', None)
    add('FT, data as a share of the step', [one['ft']['data_share'] for one in rounds], '', 0.03)
    for name in CACHED:
        # Less than all: the cache's key has changed under way, as when the checkout is edited, and times mean little.
        if name in rounds[0]:
            add(f'{name}, steps with frozen outputs from the cache', [one[name]['cached_share'] for one in rounds], '',
                None)
    for name, peer in (('ft', 'stock'), ('ctd_com', 'stock_ctd'), ('fe', 'stock_fe')):
        if name not in rounds[0] or peer not in rounds[0]:
            continue
        add(f'{name} / {peer}, peak memory', [one[name]['memory_mib'] / one[peer]['memory_mib'] for one in rounds], '',
            1.3)
    return found


def suite(repeats: int, quick: bool, clock: Callable[[], float] = time.perf_counter,
          seeds: int = 3) -> list[Measurement]:
    """The demo's runs, seven methods x some seeds, beside the same runs by stock MMPose, two at a time each.

    Data and source are there before the clock starts; features of frozen networks are not. A stock run is a process of
    its own, as ``tools/train.py`` and ``tools/test.py`` are.

    Args:
        repeats: Rounds.
        quick: The smoke suite, with one seed and one epoch.
        clock: Seconds.
        seeds: Of each method; the demo has three.
    """
    precisions = ('float32', 'bfloat16') if computes_in_bfloat16() else ('float32',)
    if len(precisions) == 1:
        print('suite: this processor has no bfloat16 instructions; arithmetic in it is not measured.\n')
    name, seeds, epochs = ('smoke', 1, 1) if quick else ('demo', seeds, 30)
    size = Size(18, 64, 4, 16, 32, 64, 12) if quick else Size(18, 128, 4, 40, 32, 64, 48)
    peers = [('stock_fe',), ('stock_ftp',), ('stock',), ('stock_hg',), ('stock_ctd',), ('stock_ctd',), ('stock_ctd',)]
    rounds = []
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        data, source = make_inputs(folder / 'stock', size)
        for number in range(repeats):
            ours = {}
            for precision in precisions:
                cache = folder / f'cache-{number}-{precision}'
                path = folder / f'{precision}.py'
                path.write_text(f"_base_ = {str(find_config('suites', name))!r}\n"
                                f'settings = dict(precision={precision!r})\n')
                run_suite(path, folder / f'warm-{number}-{precision}', cache, '--methods', 'ft', '--seeds', '1',
                          '--cfg-options', 'train_cfg.max_epochs=1')
                started = clock()
                run_suite(path, folder / f'out-{number}-{precision}', cache, '--seeds', str(seeds))
                ours[precision] = clock() - started
            started = clock()
            with ThreadPoolExecutor(2) as pool:
                list(pool.map(lambda peer: _process(peer[0], size, data, source, folder, {'STOCK_WORKERS': '0'},
                                                    epochs=epochs, threads=1), peers * seeds))
            rounds.append((clock() - started, ours))
    found = []
    for precision in precisions:
        values = [ours[precision] / theirs for theirs, ours in rounds]
        found.append(Measurement.of(f'{name}, {7 * seeds} runs in {precision} / stock MMPose', values, '',
                                    at_most=None if quick else dict(float32=0.75, bfloat16=0.50)[precision]))
    found.append(Measurement.of(f'{name}, {7 * seeds} runs by stock MMPose', [theirs for theirs, _ in rounds], 's'))
    return found


def run_suite(path: Path, out: Path, cache: Path, *options: str) -> None:
    """Runs a suite in a process of its own.

    Args:
        path: The suite.
        out: Its folder.
        cache: Where data, source and features are cached.
        options: Of tools/run_suite.py.

    Raises:
        RuntimeError: It failed; holds the end of what it said.
    """
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, root / 'tools/run_suite.py', path, '--out', out, *options], text=True,
                          capture_output=True, check=False, env=os.environ | {'CTD_CACHE': str(cache)})
    if done.returncode:
        raise RuntimeError(f'{path.stem}: {(done.stdout + done.stderr).strip()[-800:]}')


def apart(module: str, spec: dict, folder: Path, **environment: str) -> dict:
    """Runs one of this package's programs in a process of its own.

    Args:
        module: Its name; it takes the path of a spec, and prints its answer as JSON on the last line.
        spec: What it is told.
        folder: Where spec and cache lie.
        environment: Further variables.

    Raises:
        RuntimeError: It failed; holds the end of what it said.
    """
    handle, path = tempfile.mkstemp('.json', dir=folder)
    with os.fdopen(handle, 'w') as file:
        json.dump(spec, file)
    done = subprocess.run(
        [sys.executable, '-m', f'benchmark.speed.{module}', path], text=True, capture_output=True, check=False,
        env=os.environ | {'CTD_CACHE': str(folder / 'cache')} | environment, cwd=Path(__file__).parents[2])
    if done.returncode:
        raise RuntimeError(f'{spec.get("name", module)}: {done.stderr.strip()[-800:]}')
    return json.loads(done.stdout.splitlines()[-1])


def _process(name: str, size: Size, data: Path, source: Path, folder: Path, environment: dict[str, str],
             epochs: int = EPOCHS, threads: int | None = None, together: int = 1) -> dict:
    return apart('one_training', dict(
        name=name, size=asdict(size), data=str(data), source=str(source), epochs=epochs, together=together,
        meeting=str(folder / f'meeting-{name}-{together}'), threads=threads or cores()), folder, **environment)
