"""Arrays on disk that fill themselves: what a frozen network says about each view, computed once by whoever needs it.

A store is a file of rows of one shape. Rows are written and read whole, each with a checksum that is written after it;
what was cut short, or written by nobody, has none that fits and is computed again. Two writers of a row write the same
bytes, so no lock is needed.
"""

from __future__ import annotations

import json
import os
import shutil
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmark.utils.files import cache_folder, write_json

#: Kept free on the disk.
RESERVE = 1 << 30


class StoreFull(RuntimeError):
    """A store has no room: the size limit, or the disk."""


def features_folder() -> Path:
    """Where stores are: ``features`` in the cache (:func:`benchmark.utils.files.cache_folder`)."""
    return cache_folder() / 'features'


class FeatureStore:
    """Rows of one shape and type in a file.

    Args:
        path: The file; its checksums are in ``<path>.sums``.
        rows: Number of rows.
        shape: Of a row.
        dtype: Of its elements.

    Raises:
        StoreFull: The disk has no room for the whole of it.
        OSError: It can't be opened.
    """

    def __init__(self, path: Path, rows: int, shape: tuple[int, ...], dtype: np.dtype) -> None:
        self.shape, self.dtype = tuple(shape), np.dtype(dtype)
        self.row_bytes = int(np.prod(self.shape)) * self.dtype.itemsize
        path.parent.mkdir(parents=True, exist_ok=True)
        self.data = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        self.sums = os.open(f'{path}.sums', os.O_RDWR | os.O_CREAT, 0o644)
        need = rows * self.row_bytes
        if os.fstat(self.data).st_blocks * 512 < need and shutil.disk_usage(path.parent).free < need + RESERVE:
            raise StoreFull(f'{path.parent}: less than {(need + RESERVE) >> 20} MiB free on its disk')
        if os.fstat(self.data).st_size < need:
            os.ftruncate(self.data, need)
        if os.fstat(self.sums).st_size < 8 * rows:
            os.ftruncate(self.sums, 8 * rows)
        self.values = np.memmap(path, self.dtype, 'r', shape=(rows, *self.shape))
        self.known = np.zeros(rows, dtype=bool)

    def has(self, row: int) -> bool:
        """Whether a row is there and whole; what was found so once is not looked at again."""
        if not self.known[row]:
            stored = int.from_bytes(os.pread(self.sums, 8, 8 * row), 'little')
            self.known[row] = stored != 0 and stored == _checksum(self.values[row])
        return bool(self.known[row])

    def write(self, row: int, value: np.ndarray) -> None:
        """Write a row, then its checksum.

        Raises:
            OSError: The disk is full.
        """
        value = np.ascontiguousarray(value, self.dtype)
        _write(self.data, value.tobytes(), row * self.row_bytes)
        _write(self.sums, _checksum(value).to_bytes(8, 'little'), 8 * row)
        self.known[row] = True

    def read(self, rows: Sequence[int]) -> np.ndarray:
        """A copy of rows that are there."""
        return self.values[list(rows)]


def _checksum(value: np.ndarray) -> int:
    """CRC-32 with a bit above it, so that it is never 0."""
    return zlib.crc32(np.ascontiguousarray(value)) | 1 << 32


def _write(handle: int, content: bytes, place: int) -> None:
    done = 0
    while done < len(content):
        done += os.pwrite(handle, content[done:], place + done)


def describe_store(folder: Path, about: dict) -> None:
    """Says in ``about.json`` what a folder of stores is of."""
    if not (folder / 'about.json').exists():
        write_json(folder / 'about.json', about)


def used_bytes(folder: Path) -> int:
    """What all stores below a folder take on the disk."""
    return sum(path.stat().st_blocks * 512 for path in folder.rglob('*') if path.is_file())


def stores(folder: Path) -> list[tuple[Path, dict, int]]:
    """Each store's folder, what it is of, and its bytes on the disk."""
    found = []
    for path in sorted(folder.glob('*/about.json')):
        try:
            about = json.loads(path.read_text(encoding='utf-8'))
        except (OSError, ValueError):
            about = {}
        found.append((path.parent, about, used_bytes(path.parent)))
    return found
