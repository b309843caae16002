"""Files of named arrays, by what they are: numpy pickles, torch files, safetensors."""

from __future__ import annotations

from pathlib import Path

from .pickles import read_arrays
from .safetensors import is_safetensors, read_safetensors


def read_source(path: str | Path, data: bytes) -> tuple[dict[str, object], str]:
    """Reads a file of named arrays without running what it holds.

    Args:
        path: Name of the file, for messages.
        data: Its bytes.

    Returns:
        Name -> numpy array or tensor, and what the file was: ``numpy pickle``, ``torch`` or ``safetensors``.

    Raises:
        ConversionError: Not such a file, truncated, or with more than arrays in it.
    """
    if is_safetensors(path, data):
        return dict(read_safetensors(path, data)), 'safetensors'
    return read_arrays(path, data)
