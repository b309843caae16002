"""The answer of a process of its own, for what a command does besides the runs."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmark.utils.signals import Stop

from .child import call, start, wait
from .pool import fork_context


def asked(work: Callable[[dict[str, Any], str], None], request: dict[str, Any]) -> dict[str, Any]:
    """What a process answers; it ends with this one.

    Args:
        work: Takes the request and a path, and writes its answer there as JSON, with a ``reason`` that may be None.
        request: What it is asked.

    Returns:
        The answer; of a process that has written none, a ``reason``.
    """
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / 'answer.json'
        process = fork_context().Process(target=call, args=(work, request, str(place)))
        handle = start(process, Stop())
        try:
            while not wait([handle], 60.0):
                pass
        except BaseException:
            handle.tell(9)
            raise
        try:
            answer = json.loads(place.read_text(encoding='utf-8'))
        except (OSError, ValueError):
            answer = None
        return answer or dict(reason=f'the process on it ended with exit code {handle.exit}.')
