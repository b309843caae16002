"""What runs import on their way to the first step, imported once by the server that they are forked from.

MMEngine looks into a registry only when it needs it, and asking torch for deterministic algorithms imports its
compiler: in each run's own process that would be most of its start. Meanwhile nobody asks the CUDA driver for anything,
since a process that has done so can't fork others that use it; MMEngine asks when it is imported, so each run's process
lets it ask again (:func:`ask_again`).
"""

from __future__ import annotations

import contextlib
import functools
import importlib
from collections.abc import Callable, Iterator
from typing import Any

import torch


@contextlib.contextmanager
def cuda_unasked() -> Iterator[None]:
    """Answers that there is no GPU, without asking; whoever takes the functions along is answered truly afterwards."""
    importing = True

    def closed(ask: Callable, answer: Any) -> Callable:
        @functools.wraps(ask)
        def asked(*args: Any, **kwargs: Any) -> Any:
            return answer if importing else ask(*args, **kwargs)
        return asked

    real = torch.cuda.is_available, torch.cuda.device_count
    torch.cuda.is_available, torch.cuda.device_count = closed(real[0], False), closed(real[1], 0)
    try:
        yield
    finally:
        importing = False
        torch.cuda.is_available, torch.cuda.device_count = real


def ask_again() -> None:
    """Lets MMEngine find this process' device; call it once CUDA_VISIBLE_DEVICES says which GPU that is."""
    import mmengine.device.utils
    importlib.reload(mmengine.device.utils)


def _import_all() -> None:
    """Imports the worker, all that MMPose and MMEngine register, and what torch needs for deterministic algorithms."""
    importlib.import_module('benchmark.experiments.run.one_run')
    # MMEngine prints configs, and imports it for that whether or not they are laid out by it.
    importlib.import_module('yapf')
    import mmpose.registry
    from mmengine.registry import Registry
    for registry in [*vars(mmpose.registry).values()]:
        while isinstance(registry, Registry):
            registry.import_from_location()
            registry = registry.parent
    # Changes nothing.
    torch.use_deterministic_algorithms(torch.are_deterministic_algorithms_enabled())


# What cannot be imported is told by the run that needs it; here it would end the server.
with cuda_unasked(), contextlib.suppress(Exception):
    _import_all()
