"""Inputs and batches that a network can take: the rules of the shipped networks, before anything is built."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from mmengine.config import Config

from benchmark.experiments.errors import SuiteError

from .encoder import DECODERS, RESNETS, STRIDE

#: Poolings of an hourglass where its config does not say.
HOURGLASS_DEPTH = 4
#: Weights of ResNets of 64 channels by depth, and of a stack of an hourglass by the square of its channels.
RESNET_WEIGHTS = {18: 11.2e6, 34: 21.3e6, 50: 23.6e6, 101: 42.6e6, 152: 58.3e6}
HOURGLASS_WEIGHTS = 54
#: Most bytes of heatmaps beside them, as benchmark/detector/validated.py, which needs torch, bounds them.
HEATMAP_BYTES = 8 * 2**20


def unit(cfg: Config) -> int | None:
    """What width and height of a run's input must be divisible by; None where only its network can tell.

    A ResNet halves five times and its head doubles three times, so that heatmaps are a quarter of the input where 32
    divides it. An hourglass halves ``depth`` times more from a quarter.
    """
    backbone, head = cfg.model.backbone, cfg.model.head
    if backbone.type == 'StackedHourglass':
        return STRIDE * 2 ** backbone.get('depth', HOURGLASS_DEPTH)
    usual = (backbone.type in RESNETS and head.type in DECODERS and len(head.get('deconv_out_channels') or ()) == 3
             and not {'strides', 'dilations', 'num_stages'} & set(backbone)
             and max(backbone.get('out_indices', (3,))) == 3)
    return 32 if usual else None


def check_sizes(runs: Iterable[tuple[str, str, Config]], suite: str) -> None:
    """Checks the input's size of every condition against the rules of its methods' networks.

    Args:
        runs: Method, condition and config of each run.
        suite: The suite's name.

    Raises:
        SuiteError: A size that some network can't take; names the rule and a size that all of them take.
    """
    units: dict[tuple, dict[str, int]] = {}
    for method, condition, cfg in runs:
        if rule := unit(cfg):
            units.setdefault((condition, tuple(cfg.train_dataloader.dataset.input_size)), {})[method] = rule
    for (condition, size), rules in units.items():
        unfit = {method: rule for method, rule in rules.items() if any(side % rule for side in size)}
        if unfit:
            near = nearest(size, math.lcm(*rules.values()))
            raise SuiteError(f'{suite}: input_size={size} (condition {condition}) does not fit the networks: width and '
                             f'height must be divisible by {_each(unfit)}. Set input_size={near}, for example.')


def _each(rules: Mapping[str, int]) -> str:
    """'32 (ft, fe), by 64 (hg)'."""
    return ', by '.join(f'{rule} ({", ".join(method for method, one in rules.items() if one == rule)})'
                        for rule in sorted({*rules.values()}))


def nearest(size: tuple[int, int], step: int) -> tuple[int, int]:
    """The size that is nearest to another one and divisible by a number."""
    width, height = (max(step, math.floor(side / step + 0.5) * step) for side in size)
    return width, height


def smallest_batch(images: int, batch_size: int, drop_last: bool = False) -> int:
    """Images in the smallest batch of an epoch; 0 where every batch is dropped."""
    if drop_last:
        return batch_size if images >= batch_size else 0
    return images % batch_size or batch_size


def fitting_batches(images: int, batch_size: int, least: int) -> list[int]:
    """Batch sizes that leave no batch of an epoch with fewer than ``least`` images, the nearest first."""
    sizes = [size for size in range(least, images + 1) if smallest_batch(images, size) >= least]
    return sorted(sizes, key=lambda size: abs(size - batch_size))


def validation_bytes(cfg: Mapping, images: int) -> int:
    """About what that file tells of so many validation images: their heatmaps, up to a bound."""
    head = cfg['model']['head']
    width, height = (head.get('decoder') or {}).get('heatmap_size', (0, 0))
    return min(HEATMAP_BYTES, 4 * images * head.get('out_channels', 0) * width * height)


def network_bytes(cfg: Mapping) -> int | None:
    """About what the file of a run's network takes, within a tenth; None of an encoder whose size is not known.

    A ResNet's weights go with the square of its width. Of an encoder with a source of its own it is the source that
    tells, once it is there.
    """
    backbone, head = cfg['model']['backbone'], cfg['model']['head']
    if backbone['type'] == 'StackedHourglass':
        return 4 * HOURGLASS_WEIGHTS * backbone.get('num_stacks', 2) * backbone.get('channels', 256) ** 2
    if backbone['type'] not in RESNETS or backbone.get('depth') not in RESNET_WEIGHTS:
        return None
    weights = RESNET_WEIGHTS[backbone['depth']] * (backbone.get('base_channels', 64) / 64) ** 2
    channels = [head.get('in_channels', 0), *(head.get('deconv_out_channels') or ())]
    weights += sum(16 * first * second for first, second in zip(channels, channels[1:]))
    return round(4 * weights)
