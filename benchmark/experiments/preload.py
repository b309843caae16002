"""What every run imports on its way to the first step, imported once by the server that runs are forked from.

MMEngine looks into a registry only when it needs it, and asking torch for deterministic algorithms imports its
compiler: in each run's own process that is most of its start. For runs on the processor only: MMEngine's log, made on
the way, asks CUDA whether it is there, and a process that has asked can't fork others that use it.
"""

import mmpose.registry
import torch
import yapf  # noqa: F401
from mmengine.registry import Registry

import benchmark.experiments.worker  # noqa: F401

for registry in vars(mmpose.registry).values():
    while isinstance(registry, Registry):
        registry.import_from_location()
        registry = registry.parent
# Imports what it needs and changes nothing.
torch.use_deterministic_algorithms(torch.are_deterministic_algorithms_enabled())
