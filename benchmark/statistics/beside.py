"""What a run leaves beside its result, read only where it is what the run's record says."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any


def read_beside(folder: Path, record: dict[str, Any], name: str) -> Any:
    """The content of a JSON file, or None where there is none that fits the checksum in the run's record.

    Args:
        folder: The run's folder.
        record: Its record; those of older runs name no such file.
        name: The file's name.
    """
    files = record.get('files')
    expected = files.get(name) if isinstance(files, dict) else None
    if not expected:
        return None
    try:
        content = (folder / name).read_bytes()
        return json.loads(content) if hashlib.sha256(content).hexdigest() == expected else None
    except (OSError, ValueError):
        return None
