"""A GPU on the paper's protocol: steps beside stock MMPose, several runs on one card, the card's own rate."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch

from .contestants import Size, make_inputs
from .counts import step_flops
from .table import Measurement
from .training import steps_per_second, together, train

SIZE = Size(50, 256, 2, 256)
QUICK = Size(18, 64, 2, 16)
#: The paper's: 1,239 images, 150 epochs, batches of two; 7 methods x 5 seeds.
STEPS, RUNS = -(-1239 // 2) * 150, 35
#: Stock MMPose's runs of one card are one after the other; a five-seed suite here must be so many times as fast.
TARGET = 8.0
TOGETHER = (1, 2, 4, 8, 16)
#: Long enough that by the second half of them nearly all of an image's four views were seen.
EPOCHS = 16
STOCK_WORKERS = ('0', '4', '12')
ALONE = ('ft', 'ft_graphs', 'ft_bf16', 'ft_graphs_bf16', 'ctd_ed', 'ctd_ed_graphs', 'ctd_ed_graphs_bf16')


def measure(repeats: int, quick: bool, clock: Callable[[], float]) -> list[Measurement]:
    """Measures one card; nothing where there is none.

    Args:
        repeats: Rounds; in each, every contestant trains once.
        quick: A tiny size, one and two runs at a time; runs on a CPU too, to see that measuring works.
        clock: Not used: each process has its own.
    """
    if not torch.cuda.is_available() and not quick:
        print('gpu: CUDA shows no device here; nothing to measure.\n')
        return []
    size = QUICK if quick else SIZE
    found = []

    def add(what: str, values: list[float], unit: str, least: float | None = None) -> None:
        found.append(Measurement.of(f'{size.name}: {what}', values, unit, at_least=least))

    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        data, source = make_inputs(folder / 'data', size)
        options = dict(epochs=2 if quick else EPOCHS, workers=('0',) if quick else STOCK_WORKERS)
        for name in () if quick else ('ctd_ed', 'ctd_ed_graphs_bf16'):  # each fills a store of features
            train(name, size, data, source, folder, **options)
        rounds = [{name: train(name, size, data, source, folder, **options) for name in ('stock', *ALONE)}
                  for _ in range(repeats)]
        stock = [steps_per_second(one['stock'], size) for one in rounds]
        add('stock MMPose', stock, 'steps/s')
        for name in ALONE:
            rates = [steps_per_second(one[name], size) for one in rounds]
            add(name, rates, 'steps/s')
            add(f'{name} / stock MMPose, steps per second', [a / b for a, b in zip(rates, stock)], '')
        best = []
        for count in TOGETHER[:2] if quick else TOGETHER:
            places = [folder / f'{count}-{turn}' for turn in range(repeats)]
            rates = [together('ft_graphs_bf16', count, size, data, source, place, options['epochs'])
                     for place in places]
            add(f'{count} runs at a time, ft_graphs_bf16', rates, 'steps/s')
            best.append((statistics.median(rates), count, rates))
        _, count, rates = max(best)
        add(f'{count} runs at a time / stock MMPose, steps per second', [a / b for a, b in zip(rates, stock)], '',
            None if quick else TARGET)
        if not quick:
            card = matrix_rate()
            add('the card, bfloat16 matrix product', [card / 1e12], 'TFLOP/s')
            counted = step_flops('ft', size)
            flops = [rate * counted for rate in rates]
            add('achieved', [value / 1e12 for value in flops], 'TFLOP/s')
            add("share of the card's rate", [value / card for value in flops], '')
            add("the paper's runs per hour", [rate * 3600 / STEPS for rate in rates], '1/h')
            add(f"the paper's protocol, {RUNS} runs as ft_graphs_bf16", [STEPS * RUNS / rate / 3600 for rate in rates],
                'h')
    return found


def matrix_rate(side: int = 8192, times: int = 50) -> float:
    """FLOP/s of the card's bfloat16 matrix product."""
    a, b = (torch.randn(side, side, device='cuda', dtype=torch.bfloat16) for _ in range(2))
    for _ in range(5):
        a @ b
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    start.record()
    for _ in range(times):
        a @ b
    end.record()
    torch.cuda.synchronize()
    return 2 * side**3 * times / (start.elapsed_time(end) / 1e3)
