"""Files that are whole or not there: every result is written beside its place and renamed into it."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

#: The folder from which the package is imported; processes that are started elsewhere look there too.
ROOT = Path(__file__).resolve().parents[2]


@contextlib.contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Gives a temporary path in the same folder; on success it is synced and renamed to ``path``."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f'.{path.name}.', suffix='.tmp', dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with open(temporary, 'rb') as file:
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
        _sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def cache_folder() -> Path:
    """Where synthetic data, sources and cached features are: CTD_CACHE, or ``.ctd-cache`` in the working folder."""
    return Path(os.environ.get('CTD_CACHE', '.ctd-cache')).expanduser().resolve()


def _sync_folder(folder: Path) -> None:
    """Makes a rename last through a loss of power; not all file systems can."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def write_text(path: str | Path, text: str) -> None:
    """Writes a text file atomically, UTF-8."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding='utf-8')


def write_bytes(path: str | Path, content: bytes) -> None:
    """Writes a file atomically."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def write_json(path: str | Path, content: Any) -> None:
    """Writes JSON atomically; NaN is refused, for JSON has none."""
    write_text(path, json_text(content))


def json_text(content: Any) -> str:
    """JSON as it stands in files."""
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + '\n'


def holds(path: str | Path, text: str) -> bool:
    """Whether a file is there and holds just this text."""
    try:
        return Path(path).read_text(encoding='utf-8') == text
    except (FileNotFoundError, UnicodeDecodeError):
        return False


def digest(content: Any) -> str:
    """SHA-256 (hex) of JSON-ready content, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()


def file_digest(path: str | Path) -> str:
    """SHA-256 (hex) of a file's bytes."""
    total = hashlib.sha256()
    with open(path, 'rb') as file:
        while block := file.read(1 << 20):
            total.update(block)
    return total.hexdigest()
