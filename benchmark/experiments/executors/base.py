"""What all executors share."""

from __future__ import annotations

import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmark.experiments.run.progress import Progress
from benchmark.experiments.state.records import RECORD, State
from benchmark.experiments.state.tasks import Task, Work
from benchmark.utils.signals import Stop


class ExecutorError(RuntimeError):
    """An engine that is not there or does not do what it is asked; says what to do."""


@dataclass(frozen=True)
class Request:
    """What is asked of an executor.

    Attributes:
        work: The plan.
        places: Runs at the same time on this machine: a GPU for each, or None for the CPU.
        workers: Workers to start elsewhere; None: as many as there are runs to do, at most :data:`MOST`.
        retry_failed: Whether runs that had failed permanently are run again.
        configure: Writes the config of a run anew.
        options: The engine's own options, by name.
        stage: Name of a part of the plan that is done before the next one is known, such as ``look2``; '' where the
            plan is done at once.
    """

    work: Work
    places: Sequence[str | None] = (None,)
    workers: int | None = None
    retry_failed: bool = False
    configure: Callable[[str], None] | None = None
    options: dict[str, Any] = field(default_factory=dict)
    stage: str = ''

    MOST = 16

    def todo(self) -> list[Task]:
        """The runs that are neither done nor failed permanently."""
        return [task for task in self.work.runs if not settled(task, self.retry_failed)]

    def size(self) -> int:
        """How many workers to start."""
        return max(1, self.workers or min(self.MOST, len(self.todo())))

    def at_once(self, local: bool) -> int:
        """How many runs go at the same time, here or elsewhere."""
        return len(self.places) if local else self.size()

    def command(self) -> list[str]:
        """What starts a worker on any machine that sees this one's files."""
        return [sys.executable, '-m', 'benchmark.experiments.commands.work', str(self.work.out),
                *(['--retry-failed'] if self.retry_failed else [])]


class Executor(ABC):
    """Starts workers on a plan and waits for its end.

    Options that an engine knows are in ``OPTIONS``; the suite's ``execution`` and the command line give them.
    """

    OPTIONS: tuple[str, ...] = ()
    #: Whether :meth:`run` ends when the work is handed over, not when it is done.
    HANDS_OVER = False

    def prepare(self) -> None:  # noqa: B027  (most have nothing to do)
        """Begins what needs no plan, while it is made."""

    def check(self, request: Request) -> None:
        """Checks that the engine is there and knows all options.

        Raises:
            ExecutorError: It is not, or does not; says what to do.
        """
        if unknown := sorted(set(request.options) - set(self.OPTIONS)):
            raise ExecutorError(f'{unknown[0]!r} is no option of this executor. Options: '
                                f'{", ".join(self.OPTIONS) or "none"}.')

    def describe(self, request: Request) -> str:
        """What would be handed to the engine, for ``--dry-run``."""
        return ''

    @abstractmethod
    def run(self, request: Request, display: Progress) -> bool:
        """Does the work.

        Returns:
            Whether it was stopped before the end.

        Raises:
            ExecutorError: The engine fails.
        """


def waiting(work: Work, retry_failed: bool = False) -> list[Task]:
    """The runs that have not ended yet: one that failed has, whether it may succeed another time or not."""
    ended = (State.DONE,) if retry_failed else (State.DONE, State.FAILED)
    return [task for task in work.runs if task.status().state not in ended]


def settled(task: Task, retry_failed: bool = False) -> bool:
    """Whether nothing is left to do for a run."""
    status = task.status()
    return status.state is State.DONE or (status.permanent and not retry_failed)


class Follower:
    """Follows runs that others do, by their records.

    Args:
        request: What was asked.
        display: Where the ends of runs are shown.
    """

    def __init__(self, request: Request, display: Progress) -> None:
        self.display, self.stop = display, Stop()
        self.open = {task.id: task for task in request.todo()}
        self.old = {name: self._mark(task) for name, task in self.open.items()}

    @staticmethod
    def _mark(task: Task) -> int:
        try:
            return (task.folder / RECORD).stat().st_mtime_ns
        except OSError:
            return 0

    def look(self, alone: bool = False) -> bool:
        """Shows what has ended since the last look; whether all has.

        Args:
            alone: No worker is left: a transient failure has had its attempts.
        """
        for name, task in list(self.open.items()):
            if self._mark(task) == self.old[name]:
                continue
            status = task.status()
            if status.state is State.DONE or (status.state is State.FAILED and (alone or not status.transient)):
                del self.open[name]
                self.display.finish(name, status.record, status.state is State.DONE)
        return not self.open

    def wait(self, alive: Callable[[], bool], again: Callable[[], None], restarts: int = 5, interval: float = 1.0,
             longest: float = 1.0) -> bool:
        """Waits until all runs have ended; starts workers again when none is left and runs are open.

        Args:
            alive: Whether the engine still has workers for us, waiting ones included.
            again: Starts them again.
            restarts: How often.
            interval: Seconds between looks at the runs, and between the first two questions to the engine.
            longest: The pauses between those double up to so many seconds.

        Returns:
            Whether it was asked to stop before.

        Raises:
            ExecutorError: Workers end and leave runs open, again and again.
        """
        pause, due = interval, 0.0
        with self.stop.heard():
            while not self.look():
                if time.monotonic() >= due:
                    if not alive() and not self.look(alone=True):
                        if not restarts:
                            raise ExecutorError(
                                f'{len(self.open)} runs are unfinished, such as {next(iter(self.open))}, and the '
                                'workers keep ending without doing them. See the logs of the workers.')
                        restarts -= 1
                        self.display.note(f'no worker is left and {len(self.open)} runs are unfinished: starting '
                                          'workers again')
                        again()
                        pause = interval
                    due = time.monotonic() + pause
                    pause = max(interval, min(2 * pause, longest))
                if self.stop.wait(interval):
                    return True
        return False
