"""A network tried with a blank image of the run's size."""

from __future__ import annotations

from typing import Any

from benchmark.experiments.state.records import in_words

from .encoder import STRIDE


def check_taps(model: Any, size: tuple[int, int]) -> None:
    """Lets regularisers say whether they are defined for maps of the run's size."""
    if not (losses := getattr(model.head, 'transfer', None)):
        return
    import torch
    with torch.no_grad():
        maps = model.extract_feat(torch.zeros(1, 3, size[1], size[0]))
    for loss in losses.values():
        loss.check_taps(dict(zip(model.stages, maps)))


def around(size: tuple[int, int], step: int) -> set[tuple[int, int]]:
    """The sizes with sides divisible by a number that are next to a size, above and below."""
    sides = [{max(step, side // step * step), -(-side // step) * step} for side in size]
    return {(width, height) for width in sides[0] for height in sides[1]}


def unfit(model: Any, size: tuple[int, int], training: bool = False) -> str | None:
    """Why a network can't take one blank image, in words; None where it can.

    Args:
        model: The network, in eval mode.
        size: Width and height of the input.
        training: Whether it is to be taken in training, where batch norm needs more than one value per channel.
    """
    import torch
    model.train(training)
    try:
        with torch.no_grad():
            heatmaps = model.head(model.extract_feat(torch.zeros(1, 3, size[1], size[0])))
    except (RuntimeError, ValueError, AssertionError, IndexError) as error:
        return f'the network cannot compute it ({" ".join(in_words(error).split())[:200]})'
    finally:
        model.train(False)
    given = tuple(heatmaps.shape[:1:-1]) if isinstance(heatmaps, torch.Tensor) and heatmaps.ndim == 4 else None
    wanted = tuple(side / STRIDE for side in size)
    if given in (None, wanted):
        return None
    return f'its heatmaps have {given[0]} x {given[1]} pixels, the targets {wanted[0]:g} x {wanted[1]:g}'
