"""What a process does when it is told to stop.

Signals come when they like: between two steps of ``threading.Event.set``, whose lock a second signal's handler then
waits for without end; in a ``finally``; where somebody catches everything. So no handler here takes a lock or raises:
it sets an attribute, or ends the process at once. Three kinds of processes hear :data:`SIGNALS`:

- **A command or worker** notes that it was asked (:meth:`Stop.heard`), and its loop looks at the note.
- **The server that runs are forked from** is started while they are held back (:func:`held_back`), and never lets them
  through. It ends with its command.
- **A run's process** inherits that, so that nothing reaches it before it is ready (:func:`obey`). Outside of
  :meth:`Stop.deferred` it ends on the spot: what is on the disk is whole, and the kernel frees its locks. Within,
  whoever works looks at the note, keeps the state and ends.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator

#: What asks a process to stop.
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1)
#: Exit code of a run's process, or of a worker, that was asked to stop and goes on when it is started again.
PREEMPTED = 75
#: Seconds between two looks at a note.
TICK = 0.1


class Stop:
    """A note that something was asked to stop. Setting it takes no lock, so that handlers and threads may."""

    def __init__(self) -> None:
        self.asked = self.told = self.defers = False

    def set(self) -> None:
        """Asks."""
        self.asked = True

    def clear(self) -> None:
        """Takes it back."""
        self.asked = False

    def is_set(self) -> bool:
        """Whether it was asked."""
        return self.asked

    def wait(self, seconds: float) -> bool:
        """Waits, but not once it was asked.

        Returns:
            Whether it was.
        """
        end = time.monotonic() + seconds
        while not self.asked and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, TICK))
        return self.asked

    @contextlib.contextmanager
    def heard(self) -> Iterator[None]:
        """Notes signals, of which those that are ignored, such as SIGHUP under nohup, stay ignored.

        A process that got one is on its way out: afterwards it ignores them, so that it can say so and end as it wants.
        Handlers belong to the main thread; in another one nothing is heard.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        old = {}
        try:
            for name in SIGNALS:
                if signal.getsignal(name) != signal.SIG_IGN:
                    old[name] = signal.signal(name, self._note)
            yield
        finally:
            for name, handler in old.items():
                signal.signal(name, signal.SIG_IGN if self.told else handler)

    def _note(self, *_) -> None:
        self.asked = self.told = True

    @contextlib.contextmanager
    def deferred(self) -> Iterator[None]:
        """In a run's process: whoever works within looks at the note and ends; see :func:`obey`."""
        self.defers = True
        try:
            yield
        finally:
            self.defers = False

    def _note_or_end(self, *_) -> None:
        self.asked = True
        if not self.defers:
            os._exit(PREEMPTED)


#: Of this process, where it is a run's.
stop = Stop()


def obey() -> None:
    """Lets signals through that were held back since this process was forked: see :class:`Stop`."""
    for name in SIGNALS:
        if signal.getsignal(name) != signal.SIG_IGN:
            signal.signal(name, stop._note_or_end)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


@contextlib.contextmanager
def held_back() -> Iterator[None]:
    """Holds signals back from this thread, and for good from processes and threads that it starts meanwhile."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def end_with_command() -> None:
    """Ends this process when the command is gone, however it went: nobody waits for it, and the next one goes on."""
    with held_back():
        threading.Thread(target=_end_with, args=(multiprocessing.parent_process(),), daemon=True).start()


def _end_with(command) -> None:
    command.join()
    os._exit(1)
