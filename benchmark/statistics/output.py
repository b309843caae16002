"""``analysis.json`` as it stands on disk: the same content gives the same bytes."""

from __future__ import annotations

import math
from json.encoder import encode_basestring
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.utils.files import write_text

#: Raised where a field changes its place or its meaning.
SCHEMA_VERSION = 3
SCHEMA = Path(__file__).with_name('schema.json')
#: Significant digits: more than a double keeps through sums of thousands of terms, whatever their order.
DIGITS = 12


def write_analysis(path: str | Path, content: dict[str, Any]) -> Path:
    """Writes ``analysis.json`` atomically.

    Args:
        path: The file.
        content: What :func:`.analysis.analyze` gives; what is not finite becomes null.

    Returns:
        The path.
    """
    pieces: list[str] = []
    _write(plain(content), '\n', pieces)
    write_text(path, ''.join(pieces) + '\n')
    return Path(path)


def plain(value: Any) -> Any:
    """Python objects only, numbers with twelve significant digits; what is not finite becomes None."""
    kind = type(value)
    if kind is float:
        return float(f'{value:.{DIGITS}g}') + 0.0 if math.isfinite(value) else None
    if kind is str or kind is int or kind is bool or value is None:
        return value
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (np.ndarray, np.generic)):
        return plain(value.tolist())
    if isinstance(value, (list, tuple, set)):
        return [plain(item) for item in value]
    return str(value)


def _write(value: Any, start: str, pieces: list[str]) -> None:
    """Appends JSON with sorted keys, one entry a line, lists of numbers on one line.

    Args:
        value: Plain content.
        start: A line's end and the indentation of what holds the value.
        pieces: What was written so far.
    """
    if isinstance(value, dict) and value:
        mark = '{'
        for key in sorted(value):
            pieces.append(f'{mark}{start} {encode_basestring(key)}: ')
            _write(value[key], start + ' ', pieces)
            mark = ','
        pieces.append(start + '}')
    elif isinstance(value, list) and any(isinstance(item, (str, dict, list)) for item in value):
        mark = '['
        for item in value:
            pieces.append(f'{mark}{start} ')
            _write(item, start + ' ', pieces)
            mark = ','
        pieces.append(start + ']')
    elif isinstance(value, list):
        pieces.append(f'[{", ".join(map(_word, value))}]')
    else:
        pieces.append('{}' if isinstance(value, dict) else _word(value))


def _word(value: str | float | bool | None) -> str:
    """A string, a number, true, false or null."""
    if isinstance(value, str):
        return encode_basestring(value)
    if value is None:
        return 'null'
    return str(value).lower() if isinstance(value, bool) else repr(value)
