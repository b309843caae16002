"""A run's process as its worker sees it, and what happens in it before the work begins."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable
from multiprocessing import connection, forkserver, resource_tracker
from multiprocessing.process import BaseProcess

from benchmark.utils.signals import TICK, Stop, end_with_command, held_back, obey

#: Exit code of a run's process when another one is on that run.
CLAIMED = 76
#: What ``multiprocessing`` gives for exit code when the server is gone, which alone is told of it.
UNKNOWN = 255


class Handle:
    """A process that is alive or not, whatever has become of the server that it was forked from.

    Args:
        process: The process, started.
    """

    def __init__(self, process: BaseProcess) -> None:
        self.process = process
        self.exit: int | None = None
        try:
            self.file = os.pidfd_open(process.pid)
        except (AttributeError, OSError):  # Not on this system.
            self.file = None

    def alive(self) -> bool:
        """Whether it is still there; afterwards :attr:`exit` is its exit code."""
        if self.exit is None and not self.process.is_alive() and not self._orphan():
            self.exit = self.process.exitcode
            if self.file is not None:
                os.close(self.file)
                self.file = None
        return self.exit is None

    def _orphan(self) -> bool:
        """Whether it outlives the server, which nobody else can tell."""
        if self.process.exitcode != UNKNOWN:
            return False
        if self.file is not None:
            return not connection.wait([self.file], 0)
        try:
            os.kill(self.process.pid, 0)
        except OSError:
            return False
        return True

    def tell(self, number: int) -> None:
        """Sends a signal, if it is there."""
        if self.alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.process.pid, number)


def wait(handles: list[Handle], seconds: float) -> bool:
    """Waits until all processes have ended; whether they have."""
    end = time.monotonic() + seconds
    while any([handle.alive() for handle in handles]):
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


class Start(threading.Thread):
    """Starts a process. That may take as long as the server imports; whoever no longer wants to wait gives it up.

    Args:
        process: The process.
    """

    def __init__(self, process: BaseProcess) -> None:
        super().__init__(daemon=True)
        self.process, self.error, self.given_up = process, None, False

    def run(self) -> None:
        """What the thread does."""
        try:
            self.process.start()
            if self.given_up:
                self.process.kill()
        except Exception as error:
            self.error = error


def start_server() -> None:
    """Starts the server that processes are forked from, where there is none; no signal reaches it."""
    with held_back():
        resource_tracker.ensure_running()
        with held_back():  # Again: what has just been started lets some through.
            forkserver.ensure_running()


def start(process: BaseProcess, stop: Stop) -> Handle | None:
    """Starts a process, and the server where there is none, such that no signal reaches either before it is ready.

    Args:
        process: The process.
        stop: Whether to wait no longer.

    Returns:
        The process, or None where it was given up.

    Raises:
        EOFError, ConnectionError: The server ended meanwhile; the next call starts another.
    """
    thread = Start(process)
    if getattr(process, '_start_method', None) == 'forkserver':
        # Not in the thread, with which it would end.
        start_server()
    with held_back():
        # It inherits what is held back.
        thread.start()
    while thread.is_alive() and not stop.is_set():
        thread.join(TICK)
    thread.given_up = True
    thread.join(0)
    if thread.is_alive():
        return None
    if thread.error:
        raise thread.error
    return Handle(process)


def call(work: Callable[..., None], *arguments) -> None:
    """What a child does: it ends with the command, and with :data:`PREEMPTED` when it is told to stop."""
    end_with_command()
    obey()
    work(*arguments)
