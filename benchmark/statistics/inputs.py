"""What the analysis takes of a suite's files (``input_schema.json``): one check for who writes and who reads them.

It needs neither pandas nor scipy, so that a plan is checked before anything is trained.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .errors import TableError
from .options import read_options
from .schemas import first_problem, read_schema

SCHEMA = Path(__file__).with_name('input_schema.json')


def problem(content: Any, kind: str) -> str | None:
    """What is wrong with a file's content, as ``field <name>: <why>``; None where nothing is.

    Args:
        content: The content, as JSON gives it.
        kind: ``plan``, ``record`` or ``tuning``.
    """
    return first_problem(content, {**read_schema(SCHEMA), '$ref': f'#/$defs/{kind}'})


def check_plan(content: dict[str, Any]) -> None:
    """Checks that the analysis will read a plan.

    Args:
        content: What ``plan.json`` will hold, as JSON gives it.

    Raises:
        TableError: It would refuse it; names the field.
    """
    if found := problem(content, 'plan'):
        raise TableError(found)
    read_options(content.get('analysis', {}))
