"""The network itself, whatever wraps it."""

from __future__ import annotations

from mmengine.model import is_model_wrapper
from torch import nn


def unwrapped(model: nn.Module) -> nn.Module:
    """A model without the wrapper that trains it over several processes."""
    return model.module if is_model_wrapper(model) else model
