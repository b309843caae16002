"""A convolution of a chain, whatever file it came from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass
class Unit:
    """A convolution, what scales and shifts its output, and its activation.

    Attributes:
        name: Of the convolution, as in the file.
        depthwise: Whether each channel has one filter of its own.
        weight: (out, in, height, width); of a depthwise one (channels, 1, height, width).
        stride: Along both axes.
        scale: Per channel (out,), or 1.
        offset: Per channel (out,), or 0; the output is ``scale * convolution + offset``.
        statistics: ``mean``, ``var`` and ``eps`` of the batch norm, where the file has them.
        activation: ``none``, ``relu`` or ``relu6``.
    """

    name: str
    depthwise: bool
    weight: np.ndarray
    stride: int
    scale: np.ndarray | float = 1.0
    offset: np.ndarray | float = 0.0
    statistics: tuple[np.ndarray, np.ndarray, float] | None = None
    activation: str = 'none'

    def multiply(self, factor: np.ndarray) -> None:
        """Scales the output further."""
        self.scale, self.offset = self.scale * factor, self.offset * factor

    def add(self, summand: np.ndarray) -> None:
        """Shifts the output further."""
        self.offset = self.offset + summand
