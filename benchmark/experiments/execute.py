"""Runs a plan: what is done is left alone, what is missing runs in a process of its own, what fails is recorded."""

from __future__ import annotations

import json
import multiprocessing
import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from .files import file_digest, write_json
from .plan import Plan, Run, clear, write_plan
from .progress import Progress


@dataclass
class Outcome:
    """What a call of :func:`execute` did."""

    done: int
    failed: int
    skipped: int


def read_record(folder: Path) -> dict | None:
    """A run's record, or None where there is none that can be read."""
    try:
        return json.loads((folder / 'record.json').read_text(encoding='utf-8'))
    except (OSError, ValueError):
        return None


def is_done(folder: Path, hash: str) -> bool:
    """Whether a folder holds the whole result of the run with this hash; checks the predictions' checksum."""
    record = read_record(folder)
    if not record or record.get('state') != 'done' or record.get('hash') != hash:
        return False
    predictions = folder / 'predictions.parquet'
    return predictions.is_file() and file_digest(predictions) == record.get('predictions_sha256')


def pending(plan: Plan) -> list[Run]:
    """The runs whose result is not there, in the plan's order."""
    return [run for run in plan.runs if not is_done(plan.folder(run), run.hash)]


def source_record(plan: Plan) -> dict | None:
    """The record of a source that was trained here, once it is whole."""
    job = plan.source.job
    record = read_record(job) if job else None
    if record and record.get('state') == 'done' and plan.source.path.is_file() \
            and file_digest(plan.source.path) == record.get('checkpoint_sha256'):
        return record
    return None


class Pool:
    """Processes for runs, forked from a server that has imported the stack once and computed nothing.

    Args:
        workers: Runs at the same time; the cores are shared out between them.
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self.cores = len(os.sched_getaffinity(0))
        self.context = multiprocessing.get_context('forkserver')
        self.context.set_forkserver_preload(['benchmark.experiments.worker'])

    def start(self, task: str, folder: Path, entry: dict, keep_checkpoints: bool):
        """Starts a task of :mod:`benchmark.experiments.worker` in a fresh folder; the source has all cores."""
        clear(folder)
        threads = self.cores if task == 'make_source' else max(1, self.cores // self.workers)
        process = self.context.Process(target=_call, args=(task, str(folder), entry, threads, keep_checkpoints))
        process.start()
        return process


def _call(task: str, folder: str, entry: dict, threads: int, keep_checkpoints: bool) -> None:
    threading.Thread(target=_end_with, args=(multiprocessing.parent_process(),), daemon=True).start()
    from benchmark.experiments import worker
    getattr(worker, task)(folder, entry, threads, keep_checkpoints)


def _end_with(command) -> None:
    """Ends this process when the command is gone, however it went: a run that nobody waits for is of no use."""
    command.join()
    os._exit(1)


def _lost(folder: Path, entry: dict, code: int) -> None:
    """Records a process that ended without a record of its own."""
    if read_record(folder) is None:
        how = f'killed by signal {-code}' if code < 0 else f'ended with exit code {code}'
        write_json(folder / 'record.json', dict(entry, state='failed', error=dict(
            type='LostWorker', message=f'the process was {how} before it wrote a record', traceback='')))


def execute(plan: Plan, workers: int = 1, progress: str = 'auto') -> Outcome:
    """Trains the source where needed, then every run that is missing.

    Args:
        plan: The plan; ``plan.json`` and the runs' configs are written first.
        workers: Runs at the same time.
        progress: ``auto``, ``plain`` or ``none``.

    Returns:
        How many runs are done, failed, or were done before.
    """
    todo = pending(plan)
    write_plan(plan, todo)
    pool = Pool(workers)
    keep = bool(plan.suite.settings.get('keep_checkpoints', False))
    with Progress(progress, total=len(plan.runs), done=len(plan.runs) - len(todo)) as display:
        if plan.source.job and any(run.source_hash for run in todo) and source_record(plan) is None:
            _make_source(plan, pool, display)
        source_file = file_digest(plan.source.path) if plan.source.path.is_file() else None
        running: dict = {}
        queue, failed = list(todo), 0
        try:
            while queue or running:
                while queue and len(running) < workers:
                    run = queue.pop(0)
                    entry = dict(id=run.id, method=run.method, condition=run.condition, seed=run.seed, hash=run.hash,
                                 seeds=run.seeds, source_hash=run.source_hash,
                                 source_sha256=source_file if run.source_hash else None)
                    process = pool.start('run_landmarks', plan.folder(run), entry, keep)
                    running[run.id] = (process, run, entry)
                    display.start(run.id, plan.folder(run))
                time.sleep(0.1)
                display.refresh()
                for process, run, entry in list(running.values()):
                    if process.is_alive():
                        continue
                    process.join()
                    del running[run.id]
                    _lost(plan.folder(run), entry, process.exitcode)
                    ok = is_done(plan.folder(run), run.hash)
                    failed += not ok
                    display.finish(run.id, read_record(plan.folder(run)) or {}, ok)
        finally:
            for process, _, _ in running.values():
                process.terminate()
    plan.content['source']['val_accuracy'] = (source_record(plan) or {}).get('val_accuracy')
    write_json(plan.out / 'plan.json', plan.content)
    return Outcome(done=len(todo) - failed, failed=failed, skipped=len(plan.runs) - len(todo))


def _make_source(plan: Plan, pool: Pool, display: Progress) -> None:
    job = plan.source.job
    job.mkdir(parents=True, exist_ok=True)
    plan.source.config.dump(str(job / 'config.py'))
    display.start('source', job)
    process = pool.start('make_source', job, dict(id='source', hash=plan.source.hash, kind=plan.source.kind), True)
    while process.is_alive():
        time.sleep(0.1)
        display.refresh()
    process.join()
    _lost(job, dict(id='source', hash=plan.source.hash), process.exitcode)
    record = read_record(job) or {}
    display.finish('source', record, source_record(plan) is not None)
    if source_record(plan) is None:
        error = record.get('error') or {}
        raise RuntimeError(f'The source network could not be made: {error.get("type")}: {error.get("message")}. '
                           f'See {job / "log"}.')
