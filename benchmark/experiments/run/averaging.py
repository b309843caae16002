"""A suite's networks are averaged in a process of its own; what goes wrong there becomes a reason, never a failure."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from benchmark.utils.files import write_json
from benchmark.utils.machine import threads

from .judging import reason


def perform(request: dict[str, Any], place: str) -> None:
    """Averages, and writes ``found`` (how many methods) or the ``reason`` why not.

    Args:
        request: ``out``, the suite's folder; ``level`` of the intervals; ``wanted``, pairs of method and condition.
        place: The file.
    """
    os.environ['CUDA_VISIBLE_DEVICES'] = ''
    try:
        answer = dict(found=_average(request), reason=None)
    except Exception as error:
        answer = dict(found=0, reason=reason(error))
    write_json(Path(place), answer)


def _average(request: dict[str, Any]) -> int:
    import torch
    from mmengine.logging import MMLogger

    import benchmark
    benchmark.register()
    from benchmark.detector.averaged import average
    MMLogger.get_current_instance().setLevel('WARNING')
    torch.set_num_threads(threads())
    return len(average(Path(request['out']), request['level'], lambda line: None,
                       {(method, condition) for method, condition in request['wanted']}))
