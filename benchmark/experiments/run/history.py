"""A run's training history: what its iterations logged, in a file small enough to keep.

It is read from MMEngine's message hub, which holds every value of every iteration and is part of a training's state
(:mod:`benchmark.engine.training_state`): a training that was stopped and went on has one whole history. Times are left
out, so that the same training gives the same bytes.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from mmengine.hooks import Hook
from mmengine.logging import MessageHub

#: Points kept of what every iteration logs; each is the mean of a window of iterations.
POINTS = 200
#: Of what is measured now and then (gradient ratios), the hub keeps the values; this is where their iterations are.
PLACE = 'at/'
TIMES = ('time', 'data_time', 'memory')
DIGITS = 7


class HistoryHook(Hook):
    """Notes the iteration of what is not logged in every one: gradient ratios and validations."""

    def after_train_iter(self, runner, batch_idx: int, data_batch=None, outputs: dict | None = None) -> None:
        """Notes the place of each gradient ratio, as the number of iterations before it."""
        for key in outputs or ():
            if key.startswith('ratio_'):
                runner.message_hub.update_scalar(f'{PLACE}train/{key}', runner.iter)

    def after_val_epoch(self, runner, metrics: dict[str, float] | None = None) -> None:
        """Notes the place of a validation, as the number of iterations done."""
        for key in metrics or ():
            runner.message_hub.update_scalar(f'{PLACE}val/{key}', runner.iter)


def training_history(hub: MessageHub, iterations: int, epochs: int) -> dict[str, Any]:
    """What a training logged.

    Args:
        hub: The runner's message hub, after the training.
        iterations: Number of iterations of the training.
        epochs: Number of its epochs.

    Returns:
        ``iterations``, ``epochs``; ``window``, the number of iterations that a point of ``train`` is the mean of (the
        last one's may be smaller); ``train``: name -> points; ``measured``: name -> ``iteration`` (iterations done
        before) and ``value``; ``validation``: likewise. Losses are as MMEngine logs them: ``loss_kpt`` is L_R,
        ``loss_<name>`` a weighted regulariser, ``raw_<name>`` the same without its weight, ``ratio_<name>`` the norm
        of its gradient over that of L_R. A value that is not finite is None.
    """
    window = max(1, math.ceil(iterations / POINTS))
    found: dict[str, Any] = dict(iterations=iterations, epochs=epochs, window=window, train={}, measured={},
                                 validation={})
    for full, buffer in sorted(hub.log_scalars.items()):
        kind, _, key = full.partition('/')
        values = np.asarray(buffer.data[0], np.float64)
        if kind == 'train' and len(values) == iterations and key not in TIMES:
            found['train'][key] = _plain([values[i:i + window].mean() for i in range(0, iterations, window)])
        elif kind in ('train', 'val') and PLACE + full in hub.log_scalars:
            at = np.asarray(hub.log_scalars[PLACE + full].data[0]).astype(int)
            # A training that was begun before places were noted has fewer of them than values.
            shown = min(len(at), len(values))
            found['measured' if kind == 'train' else 'validation'][key] = dict(
                iteration=at[len(at) - shown:].tolist(), value=_plain(values[len(values) - shown:]))
    return found


def _plain(values) -> list[float | None]:
    return [float(f'{value:.{DIGITS}g}') if math.isfinite(value) else None for value in values]
