"""This machine: one worker with a place for each run at the same time."""

from __future__ import annotations

from benchmark.experiments.run.pool import Worker, start_importing
from benchmark.experiments.run.progress import Progress
from benchmark.experiments.state.records import State

from .base import Executor, Request


class LocalExecutor(Executor):
    """Does the runs in processes of their own, on the cores and GPUs of this machine."""

    def prepare(self) -> None:
        """See :meth:`Executor.prepare`."""
        start_importing()

    def run(self, request: Request, display: Progress) -> bool:
        """See :meth:`Executor.run`."""
        for again in (False, True, True):
            worker = Worker(request.work, request.places, display, request.retry_failed and not again,
                            configure=request.configure)
            stopped = worker.run().stopped
            # What was whole when it was looked at may have been damaged since.
            if stopped or all(task.status().state in (State.DONE, State.FAILED) for task in request.work.runs):
                break
        return stopped
