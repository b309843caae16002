"""What each choice that makes fine-tuning fast is worth: FT as it is and without it, epoch by epoch in one process."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from benchmark.utils.machine import cores

from .contestants import CHOICES, Size, make_inputs
from .table import Measurement
from .training import EPOCHS, QUICK, SIZES, apart, steps_per_second, together, train

#: The demo's, which most people run.
DEMO = Size(18, 128, 4, 40, 32, 64)
NAMES = {'ft_nchw': 'channels last', 'ft_kernels': 'large convolutions as matrix products', 'ft_adam': 'fused Adam',
         'ft_views': 'views cached'}
#: Epochs before any counts; then epochs that count, per repeat. An image's view is one of four at random, so that a few
#: are seen for the first time in these too.
WARM, COUNTED = 3, 5


def measure(repeats: int, quick: bool, clock: Callable[[], float]) -> list[Measurement]:
    """Measure all sizes: an epoch with a choice over one without, and runs on a core each beside one on all cores.

    Args:
        repeats: Times five epochs; a ratio per epoch.
        quick: A tiny size.
        clock: Not used: each process has its own.
    """
    found = []
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        for number, size in enumerate(QUICK if quick else (DEMO, *SIZES)):
            data, source = make_inputs(folder / f'{number}', size)
            called = f'{size.name}, width {size.width}'
            seconds = apart('alternating', dict(
                names=['ft', *CHOICES], size=asdict(size), data=str(data), source=str(source), threads=cores(),
                warm=WARM, epochs=COUNTED * repeats), folder)
            for name, what in NAMES.items():
                values = [one / other for one, other in zip(seconds['ft'], seconds[name])]
                found.append(Measurement.of(f'{called}: {what}, with / without', values, ''))
            values = []
            for turn in range(repeats):
                alone = steps_per_second(train('ft', size, data, source, folder), size)
                values.append(together('ft', cores(), size, data, source, folder / f'{number}-{turn}', EPOCHS) / alone)
            found.append(Measurement.of(f'{called}: {cores()} runs at a time on a core each / one on all of them, '
                                        'steps per second', values, ''))
    return found
