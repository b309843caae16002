"""JSON schemas: how one is read, and what of some content does not fit it."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

#: Characters of a problem's text that are told.
LONGEST = 200


@functools.cache
def read_schema(path: Path) -> dict[str, Any]:
    """A schema's content, read once; not to be changed."""
    content: dict[str, Any] = json.loads(path.read_text(encoding='utf-8'))
    return content


def first_problem(content: Any, schema: dict[str, Any]) -> str | None:
    """What is wrong with a file's content, as ``field <name>: <why>``; None where nothing is.

    Args:
        content: The content, as JSON gives it.
        schema: What it is checked by.
    """
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match
    found = best_match(Draft202012Validator(schema).iter_errors(content))
    if found is None:
        return None
    field = found.json_path.removeprefix('$').removeprefix('.') or 'the whole file'
    return f'field {field}: {found.message[:LONGEST]}'
