"""Half-precision arithmetic on any device."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch
from mmengine.optim import OptimWrapper
from mmpose.registry import OPTIM_WRAPPERS
from torch import nn


@OPTIM_WRAPPERS.register_module()
class AutocastOptimWrapper(OptimWrapper):
    """OptimWrapper whose forward runs under autocast in bfloat16, on CPUs too (MMEngine's is for accelerators only).

    Weights, gradients and the optimiser's state stay in float32; bfloat16 has float32's range, so that losses need no
    scaling. It pays on processors with bfloat16 instructions; without them it is slower than float32.

    Args:
        kwargs: OptimWrapper's arguments.
    """

    cast_dtype = torch.bfloat16

    @contextlib.contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """Forward and loss under autocast."""
        device = next(model.parameters()).device.type
        with super().optim_context(model), torch.autocast(device, dtype=self.cast_dtype):
            yield
