"""What is costly to make and only looked at is made once for all test processes."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import pytest


def once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """A folder that the first test process to ask has filled; the others wait for it.

    Args:
        factory: The fixture ``tmp_path_factory``.
        name: The folder's name, one for each thing that is made.
        make: Fills a folder, in its place from the start. What raises is tried again by the next to ask.
    """
    base = factory.getbasetemp()
    # Each of xdist's processes has a folder of its own in the session's.
    folder = (base.parent if 'PYTEST_XDIST_WORKER' in os.environ else base) / name
    with open(folder.with_name(f'{name}.lock'), 'w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = folder / 'made'
        if not made.exists():
            folder.mkdir(exist_ok=True)
            make(folder)
            made.touch()
    return folder
