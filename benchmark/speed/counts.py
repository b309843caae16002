"""Operations of a training step, counted by torch, and the processor's own rate for them."""

from __future__ import annotations

import statistics
from collections.abc import Callable

import torch
from mmpose.registry import MODELS
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from benchmark.datasets.metainfo import LandmarkMeta
from benchmark.utils.machine import cores

from .contestants import Size, our_config

#: The stem and the four stages of a ResNet.
PARTS = 5
#: Method -> how many of them are frozen, so that their cached output stands for them.
FROZEN = {'ft': 0, 'ftp': PARTS - 1, 'fe': PARTS}


def step_flops(method: str, size: Size, landmarks: int = 14) -> float:
    """FLOPs of a step's convolutions, forward and backward; a multiplication and an addition count as two.

    Frozen parts count nothing, as their outputs are cached. Nothing is computed: shapes are enough.

    Args:
        method: One of :data:`FROZEN`.
        size: Network, input, batch.
        landmarks: Number of heatmaps.
    """
    meta = LandmarkMeta(name='counted', landmarks=tuple(map(str, range(landmarks))),
                        flip_indices=tuple(range(landmarks)))
    model = our_config(dict(method=method), size, meta, epochs=1).model
    with torch.device('meta'):
        encoder, head = MODELS.build(model.backbone | dict(init_cfg=None, frozen_stages=-1)), MODELS.build(model.head)
        x = torch.empty(size.batch, 3, size.pixels, size.pixels)
    parts = [nn.Sequential(encoder.conv1, encoder.norm1, encoder.relu, encoder.maxpool),
             *(getattr(encoder, name) for name in encoder.res_layers)]
    with torch.no_grad():
        for part in parts[:FROZEN[method]]:
            x = part(x)
    with FlopCounterMode(display=False) as counter:
        for part in parts[FROZEN[method]:]:
            x = part(x)
        head((x,)).sum().backward()
    return float(counter.get_total_flops())


def matrix_rate(clock: Callable[[], float], side: int = 2048, times: int = 5) -> float:
    """FLOP/s of the processor's float32 matrix product on all cores; the median of several."""
    a, b = torch.randn(side, side), torch.randn(side, side)
    threads, seconds = torch.get_num_threads(), []
    torch.set_num_threads(cores())
    a @ b
    for _ in range(times):
        started = clock()
        a @ b
        seconds.append(clock() - started)
    torch.set_num_threads(threads)
    return 2 * side**3 / statistics.median(seconds)
