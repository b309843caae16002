"""A worker: takes what is to be done from a plan, one run per slot, until all of it is done or has failed permanently.

The disk is the truth. Any number of workers, started by whatever engine, may share an output folder: each run is locked
by the process that trains it, a finished run is one whose record and checksum say so, and nothing else is asked.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

from benchmark.experiments.state.locks import FolderLock, Locked, is_locked
from benchmark.experiments.state.records import RECORD, State, Status, log_tail, set_aside, write_record
from benchmark.experiments.state.tasks import RUN, SOURCE, Task, Work
from benchmark.program import program
from benchmark.utils.files import ROOT
from benchmark.utils.machine import cores, threads
from benchmark.utils.signals import PREEMPTED, TICK, Stop

from .child import CLAIMED, UNKNOWN, Handle, call, start, start_server, wait
from .progress import Progress

#: Seconds that a run told to stop has to keep its state; what is there then is killed, and gone after so many more.
GRACE, KILLED = 30.0, 5.0
DISK_NEEDED = 8 << 20


class DiskFull(RuntimeError):
    """There is no room for results."""


@dataclass
class Outcome:
    """What a worker found and did.

    Attributes:
        done: Runs done by this worker, or by others while it ran.
        failed: Runs that have failed permanently.
        skipped: Runs that were done before.
        stopped: Whether it was asked to stop before the end.
    """

    done: int = 0
    failed: int = 0
    skipped: int = 0
    stopped: bool = False


@dataclass
class Child:
    """A process on a run."""

    task: Task
    handle: Handle
    gpu: str | None
    started: float = field(default_factory=time.monotonic)
    told: float | None = None


def slots(workers: int | None, gpus: Sequence[str] = (), per_gpu: int = 1) -> list[str | None]:
    """Places for runs: a GPU's name for each, or None for the CPU.

    Args:
        workers: At most so many; None: one on a machine without GPUs, all places on one with.
        gpus: GPUs to use.
        per_gpu: Runs at the same time on each.
    """
    if not gpus:
        return [None] * (workers or 1)
    return [gpu for _ in range(per_gpu) for gpu in gpus][:workers]


def share_of_cores(runs: int) -> int:
    """Threads of each of so many runs at the same time here."""
    return min(max(1, cores() // max(1, runs)), threads())


def start_importing() -> None:
    """Starts the server that runs are forked from, so that it imports the stack while their plan is made."""
    _server(Worker.preload)
    start_server()


def fork_context() -> Any:
    """The context of other processes that are forked from that server."""
    return _server(Worker.preload)


class Worker:
    """Does a plan's runs in processes of their own, forked from a server that has imported the stack.

    Args:
        work: The plan.
        places: One entry per run at the same time: see :func:`slots`. The cores are shared out between them.
        display: Where progress is shown.
        retry_failed: Whether runs that had failed permanently are run again.
        mine: Which runs this worker may take, by their place in the plan; None: all.
        configure: Writes the config of a run (by id, or ``source``) anew; None where only the plan's files are at hand.

    Attributes:
        preload: What the server imports, from which runs are forked.
        perform: What a run's process does.
    """

    preload: Sequence[str] = ('benchmark.experiments.run.forkserver',)

    def __init__(self, work: Work, places: Sequence[str | None], display: Progress, retry_failed: bool = False,
                 mine: Callable[[int], bool] | None = None, configure: Callable[[str], None] | None = None) -> None:
        self.work, self.display, self.retry_failed, self.configure = work, display, retry_failed, configure
        self.free = list(places)
        self.threads = {RUN: work.execution['threads'] or share_of_cores(len(self.free)),
                        SOURCE: work.execution['source_threads'] or threads()}
        self.children: list[Child] = []
        self.attempts: dict[str, int] = {}
        self.due: dict[str, float] = {}
        self.queue = [run for index, run in enumerate(work.runs) if mine is None or mine(index)]
        self.outcome = Outcome()
        self.began = datetime.now(timezone.utc).isoformat(timespec='seconds')
        self.stop_asked = Stop()
        self.perform: Callable[[str, str, dict, dict], None] = _perform
        self.source_ready = work.source is None
        self.makes_source = mine is None or mine(0)
        self.context = _server(self.preload)

    def run(self) -> Outcome:
        """Works until nothing is left to do, or until SIGTERM, SIGINT, SIGHUP or SIGUSR1.

        Raises:
            DiskFull: The output's disk has no room.
        """
        with self.stop_asked.heard():
            try:
                self._survey()
                while (self.queue or self.children) and not self.stop_asked.is_set():
                    self._reap()
                    self._start()
                    self.display.refresh()
                    self.stop_asked.wait(TICK)
            finally:
                self.outcome.stopped = self.stop_asked.is_set()
                self._end_children()
        return self.outcome

    def _survey(self) -> None:
        """Sorts the runs: done, failed permanently, to do; damaged results are set aside."""
        for task in list(self.queue):
            if self.stop_asked.is_set():
                return
            state = self._look(task)
            if state.state is State.DONE:
                self.queue.remove(task)
                self.outcome.skipped += 1
            elif state.permanent and not self.retry_failed:
                self.queue.remove(task)
                self.outcome.failed += 1
                self.display.note(f'{task.id} failed permanently before and is skipped: {state.reason} '
                                  '(--retry-failed runs it again)')

    def _look(self, task: Task):
        """A task's status; what is damaged is set aside first."""
        status = task.status()
        if status.state is not State.DAMAGED:
            return status
        with contextlib.suppress(Locked), FolderLock(task.folder):
            status = task.status()
            if status.state is State.DAMAGED:
                target = set_aside(task.folder, self.work.place_aside)
                self.display.note(f'{status.reason}; set aside in {target}, {task.id} starts again')
        return task.status()

    # -- starting -----------------------------------------------------------------------------------------------------

    def _start(self) -> None:
        now = time.monotonic()
        for task in self._candidates():
            if not self.free or self.stop_asked.is_set():
                return
            if self.due.get(task.id, 0.0) > now:
                continue
            if is_locked(task.folder):
                self.due[task.id] = now + 1.0
                continue
            if task.kind != SOURCE and self.attempts.get(task.id, 0) == 0 and self._settled(task):
                continue
            if shutil.disk_usage(self.work.out).free < DISK_NEEDED:
                if self.children:
                    return
                raise DiskFull(f'{self.work.out}: less than {DISK_NEEDED >> 20} MiB free on its disk. Free some and '
                               'run the same command again: nothing is lost.')
            self._launch(task)

    def _candidates(self) -> Iterable[Task]:
        """The runs that may start now; the source goes before those that need it, and has all cores."""
        if not self.source_ready and any(task.needs_source for task in self.queue):
            status = self._look(self.work.source)
            if status.state is State.DONE:
                self.source_ready = True
            elif self._failed_permanently(status) and not self.attempts.get(self.work.source.id):
                self._without_source(status.record)
            elif self.children or not self.makes_source:
                return []
            else:
                return [self.work.source]
        return list(self.queue)

    def _settled(self, task: Task) -> bool:
        """Whether another worker has finished a run in the meantime: what had ended before has left the queue."""
        status = self._look(task)
        failed = self._failed_permanently(status)
        if status.state is not State.DONE and not failed:
            return False
        self.queue.remove(task)
        self.outcome.done += not failed
        self.outcome.failed += failed
        self.display.finish(task.id, status.record, not failed)
        return True

    def _failed_permanently(self, status: Status) -> bool:
        """Whether a failure ends a run: of now, or of before without ``--retry-failed``."""
        return status.permanent and (not self.retry_failed or status.record.get('started', '') >= self.began)

    def _without_source(self, record: dict) -> None:
        """Counts the runs that need the source as failed; the others go on."""
        lost = [task for task in self.queue if task.needs_source]
        self.queue = [task for task in self.queue if not task.needs_source]
        self.outcome.failed += len(lost)
        error = record.get('error') or {}
        self.display.note(f'The source network could not be created: {error.get("type")}: {error.get("message")}. The '
                          f'{len(lost)} runs that need it are left out. See {self.work.source.folder / "log"}; '
                          '--retry-failed runs it again.')

    def _launch(self, task: Task) -> None:
        gpu = self.free.pop(0)
        if task.kind != SOURCE:
            self.queue.remove(task)
        self.attempts[task.id] = self.attempts.get(task.id, 0) + 1
        options = dict(threads=self.threads[task.kind], gpu=gpu, retry=self.attempts[task.id] > 1,
                       save_every=self.work.execution['save_every'],
                       keep_checkpoints=self.work.execution['keep_checkpoints'],
                       synthetic=self.work.synthetic.get(task.kind))
        task.folder.mkdir(parents=True, exist_ok=True)
        if self.configure:
            self.configure(task.id)
        process = self.context.Process(target=call, args=(self.perform, task.kind, str(task.folder), task.entry,
                                                          options))
        try:
            handle = start(process, self.stop_asked)
        except (EOFError, ConnectionError):
            # The server has ended, as it does when it is interrupted while it imports; the next start makes a new one.
            self.free.append(gpu)
            if not self.stop_asked.is_set() and self.attempts[task.id] > self.work.execution['retries']:
                raise
            self._again(task, 1.0)
            return
        if handle is None:
            return
        self.children.append(Child(task, handle, gpu))
        self.display.start(task.id, task.folder)

    # -- ending -------------------------------------------------------------------------------------------------------

    def _reap(self) -> None:
        limit = self.work.execution['time_limit']
        for child in list(self.children):
            if child.handle.alive():
                if limit and time.monotonic() - child.started > limit:
                    self._tell(child)
                continue
            self.children.remove(child)
            self.free.append(child.gpu)
            self._ended(child)

    def _tell(self, child: Child) -> None:
        """Asks a child to stop; ends it when it does not within the grace."""
        if child.told is None:
            child.told = time.monotonic()
            child.handle.tell(signal.SIGTERM)
        elif time.monotonic() - child.told > GRACE:
            child.handle.tell(signal.SIGKILL)

    def _ended(self, child: Child) -> None:
        task, code = child.task, child.handle.exit
        if code == CLAIMED:
            self._again(task, 1.0)
            self.attempts[task.id] -= 1
            self.display.drop(task.id)
            return
        if code == PREEMPTED and child.told is None:
            # Somebody told the run itself to stop; it goes on from its state.
            self.attempts[task.id] -= 1
            self._again(task, 0.0)
            self.display.drop(task.id)
            return
        record = self._lost(child, code)
        status = self._look(task)
        error = (status.record or record or {}).get('error') or {}
        if status.state is State.DONE:
            self.display.finish(task.id, status.record, True)
            self.outcome.done += task.kind != SOURCE
            self.source_ready |= task.kind == SOURCE
            return
        on_card = [*self.free, *(other.gpu for other in self.children)].count(child.gpu)
        if error.get('type') == 'OutOfMemory' and child.gpu is not None and on_card > 1:
            self.free.remove(child.gpu)
            self.display.note(f'GPU {child.gpu} is out of memory: fewer runs will share it from now on')
            self.attempts[task.id] -= 1
        if error.get('type') == 'DamagedSource':
            self.source_ready = self.work.source is None
        if error.get('may_pass', status.state is not State.FAILED) and \
                self.attempts[task.id] <= self.work.execution['retries']:
            delay = 2.0 ** (self.attempts[task.id] - 1)
            self.display.retry(task.id, status.record or record or {}, delay)
            self._again(task, delay)
            return
        self.display.finish(task.id, status.record or record or {}, False)
        if task.kind == SOURCE:
            self._without_source(status.record or record or {})
        else:
            self.outcome.failed += 1

    def _again(self, task: Task, delay: float) -> None:
        self.due[task.id] = time.monotonic() + delay
        if task.kind != SOURCE:
            self.queue.insert(0, task)

    def _lost(self, child: Child, code: int) -> dict | None:
        """Records a process that ended without a record of its own; gives that record back."""
        task = child.task
        if (task.folder / RECORD).exists():
            return None
        how = f'killed by signal {-code}' if code < 0 else f'ended with exit code {code}'
        if code == UNKNOWN:
            how = 'forked from a server that has ended too, and ended'
        error = dict(type='LostWorker', may_pass=True,
                     message=f'the process was {how} before it wrote a record' +
                             (' (often the system has run out of memory)' if code == -signal.SIGKILL else ''))
        if child.told is not None:
            error = dict(type='TimeLimit', message=f'longer than {self.work.execution["time_limit"]} s; its state is '
                                                   'kept, and --retry-failed resumes from it', may_pass=False)
        began = datetime.now(timezone.utc) - timedelta(seconds=time.monotonic() - child.started)
        record = dict(task.entry, code=program(), started=began.isoformat(timespec='seconds'), state='failed',
                      error=error | dict(traceback='', log=log_tail(task.folder)))
        with contextlib.suppress(Locked, OSError), FolderLock(task.folder, patience=2.0):
            if not (task.folder / RECORD).exists():
                write_record(task.folder, record)
        return record

    def _end_children(self) -> None:
        """Asks all children to keep their state and end; ends those that do not within the grace."""
        handles = [child.handle for child in self.children]
        for number, seconds in ((signal.SIGTERM, GRACE), (signal.SIGKILL, KILLED)):
            for handle in handles:
                handle.tell(number)
            if wait(handles, seconds):
                return


def _server(preload: Sequence[str]) -> Any:
    """The context of processes that are forked from a server, which imports ``preload`` when it is started."""
    # It imports this package wherever the command was typed, and is not told of sys.path.
    known = os.environ.get('PYTHONPATH', '').split(os.pathsep)
    if str(ROOT) not in known:
        os.environ['PYTHONPATH'] = os.pathsep.join([str(ROOT), *filter(None, known)])
    context = multiprocessing.get_context('forkserver')
    context.set_forkserver_preload(['benchmark.experiments.run.forkserver_first', *preload])
    return context


def _perform(kind: str, folder: str, entry: dict, options: dict) -> None:
    """What a run's process does; the GPU is chosen before anything asks CUDA."""
    os.environ['CUDA_VISIBLE_DEVICES'] = options['gpu'] or ''
    from benchmark.experiments.run import forkserver
    forkserver.ask_again()
    from benchmark.experiments.run import one_run
    one_run.perform(kind, folder, entry, options)
