"""From grey values of more than 8 bits to 8."""

from __future__ import annotations

import numpy as np

#: An image that keeps fewer grey values than this of at least 256 is told of.
FEW_LEVELS = 32


def rescale(values: np.ndarray, seen: np.ndarray | None = None, said: dict[str, str] | None = None) -> np.ndarray:
    """``round(255 (v - low) / (high - low))``, low and high being the least and the greatest value.

    Args:
        values: Finite numbers of any shape.
        seen: Boolean, of the same shape: what counts for low and high; the rest is clipped. None: all.
        said: Where the range is noted as ``deep`` and, where few grey values are left of many, ``few-levels``.

    Returns:
        uint8 of the same shape; 0 everywhere where all values are equal.
    """
    counted = values if seen is None else values[seen]
    if not counted.size:
        return np.zeros(values.shape, np.uint8)
    low, high = float(counted.min()), float(counted.max())
    span = high - low
    if not span:
        scaled = np.zeros(values.shape, np.uint8)
    else:
        scaled = np.clip(np.rint((values.astype(np.float64) - low) * (255 / span)), 0, 255).astype(np.uint8)
    if said is not None:
        said['deep'] = f'{low:g} to {high:g}'
        levels = int((np.bincount((scaled if seen is None else scaled[seen]).ravel(), minlength=256) > 0).sum())
        if span and levels < FEW_LEVELS and (before := len(np.unique(counted))) >= 256:
            inner = np.percentile(counted, (0.5, 99.5))
            said['few-levels'] = f'{levels} of {before}; 99 % of the pixels lie in {inner[0]:g} to {inner[1]:g} of ' \
                                 f'{low:g} to {high:g}'
    return scaled
