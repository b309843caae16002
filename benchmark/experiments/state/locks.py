"""Locks on folders that end with the process that holds them, however it ends."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import socket
import time
from pathlib import Path

NAME = '.lock'


class Locked(RuntimeError):
    """Somebody else holds the lock; the message says who."""


class FolderLock:
    """An advisory lock (flock) on a folder; the kernel frees it when its holder is gone, so that none is ever stale.

    Args:
        folder: The folder; ``.lock`` in it is the lock's file. It holds who took the lock last, for people to read.
        shared: Whether others may hold it too, shared like this one.
        patience: Seconds to wait for it.

    Raises:
        Locked: Somebody else holds it.
        OSError: The file system has no locks; names the way round.
    """

    def __init__(self, folder: Path, shared: bool = False, patience: float = 0.0) -> None:
        self.path = folder / NAME
        self.shared, self.patience = shared, patience
        self.handle: int | None = None

    def __enter__(self) -> FolderLock:
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        end = time.monotonic() + self.patience
        while True:
            try:
                fcntl.flock(handle, (fcntl.LOCK_SH if self.shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
                break
            except OSError as error:
                if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                    os.close(handle)
                    raise OSError(error.errno, 'this file system cannot lock files. Put the output and CTD_CACHE on '
                                               'one that can, such as a local disk', str(self.path)) from error
                if time.monotonic() >= end:
                    os.close(handle)
                    raise Locked(f'{self.path.parent}: in use by {holder(self.path.parent)}.') from None
                time.sleep(0.05)
        self.handle = handle
        if not self.shared:
            os.ftruncate(handle, 0)
            os.pwrite(handle, json.dumps(dict(host=socket.gethostname(), pid=os.getpid())).encode(), 0)
        return self

    def __exit__(self, *exception) -> None:
        self.release()

    def release(self) -> None:
        """Gives the lock back."""
        if self.handle is not None:
            os.close(self.handle)
            self.handle = None


def is_locked(folder: Path) -> bool:
    """Whether anybody holds the folder's lock at this moment."""
    if not (folder / NAME).exists():
        return False
    try:
        with FolderLock(folder, shared=True):
            return False
    except Locked:
        return True


def holder(folder: Path) -> str:
    """Who took a folder's lock last, in words."""
    try:
        who = json.loads((folder / NAME).read_text())
        return f'process {who["pid"]} on {who["host"]}'
    except (OSError, ValueError, KeyError):
        return 'another process'
