"""The worker: what is tried again and what is not, who takes which run, how it ends. Its children train nothing."""

import contextlib
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from datetime import datetime
from pathlib import Path

import pytest

from benchmark.experiments.run import pool
from benchmark.experiments.run.pool import Worker, slots
from benchmark.experiments.run.progress import Progress
from benchmark.experiments.state.locks import FolderLock, Locked
from benchmark.experiments.state.records import State, status, write_record
from benchmark.experiments.state.tasks import EXECUTION, RUN, Task, Work
from benchmark.utils.files import file_digest


def tried(folder) -> int:
    return len((folder / 'attempts').read_text().splitlines()) if (folder / 'attempts').exists() else 0


def child(kind, folder, entry, options):
    """Stands for a run's process: ``entry['does']`` says, attempt by attempt, how it ends."""
    from pathlib import Path
    place = Path(folder)
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(FolderLock(place, patience=0.2))
        except Locked:
            sys.exit(pool.CLAIMED)
        if status(place, entry['hash']).state is State.DONE:
            return
        does = entry['does'][min(tried(place), len(entry['does']) - 1)]
        with open(place / 'attempts', 'a') as file:
            file.write(f'{options["gpu"]}\n')
        (place / 'record.json').unlink(missing_ok=True)
        if does == 'sleeps':
            time.sleep(60)
        if does == 'dies':
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(entry.get('takes', 0))
        if does == 'done':
            (place / 'predictions.parquet').write_text(entry['id'])
            write_record(place, dict(entry, state='done', result_sha256=file_digest(place / 'predictions.parquet')))
            return
        write_record(place, dict(entry, state='failed', error=dict(
            type=does, message='so it is', traceback='', may_pass=does in ('OSError', 'OutOfMemory'))))
    sys.exit(1)


@pytest.fixture
def worker(tmp_path):
    """Makes a worker on runs that end as told."""
    def make(*runs, places=(None,), takes=0.0, retry_failed=False, **execution):
        tasks = [Task(f'm/run{n}', RUN, tmp_path / f'runs/m/run{n}', f'h{n}',
                      dict(id=f'm/run{n}', method='m', condition='all', hash=f'h{n}', source_hash=None, does=does,
                           takes=takes)) for n, does in enumerate(runs)]
        work = Work(tmp_path, tasks, None, EXECUTION | execution)
        made = Worker(work, places, Progress('plain', len(tasks), 0), retry_failed)
        made.context, made.perform = multiprocessing.get_context('fork'), child
        return made

    return make


def states(worker) -> list[str]:
    return [task.status().state.value for task in worker.work.runs]


def attempts(worker) -> list[int]:
    return [tried(task.folder) for task in worker.work.runs]


def test_a_transient_failure_has_another_attempt_and_the_rest_goes_on(worker):
    made = worker(['OSError', 'done'], ['ValueError', 'done'], ['done'])
    outcome = made.run()
    assert states(made) == ['done', 'failed', 'done'] and attempts(made) == [2, 1, 1]
    assert (outcome.done, outcome.failed) == (2, 1)


def test_tries_have_a_limit(worker):
    made = worker(['OSError'], retries=1)
    made.run()
    assert states(made) == ['failed'] and attempts(made) == [2]


def test_a_failure_that_cannot_pass_is_left_alone_until_asked(worker, capsys):
    worker(['ValueError', 'done']).run()
    again = worker(['ValueError', 'done'])
    assert again.run().failed == 1 and attempts(again) == [1]
    said = capsys.readouterr().out
    assert 'm/run0 failed permanently before and is skipped: ValueError: so it is (--retry-failed' in said
    asked = worker(['ValueError', 'done'], retry_failed=True)
    asked.run()
    assert states(asked) == ['done']


def test_a_transient_failure_has_new_attempts_in_a_new_call(worker):
    worker(['OSError', 'OSError', 'done'], retries=1).run()
    again = worker(['OSError', 'OSError', 'done'], retries=1)
    again.run()
    assert states(again) == ['done'] and attempts(again) == [3]


def test_a_lost_process_is_recorded_and_tried_again(worker):
    made = worker(['dies'], ['dies', 'done'], retries=1)
    made.run()
    assert states(made) == ['failed', 'done'] and attempts(made) == [2, 2]
    record = json.loads((made.work.runs[0].folder / 'record.json').read_text())
    assert record['error']['type'] == 'LostWorker' and 'killed by signal 9' in record['error']['message']
    assert datetime.fromisoformat(record['started']).tzinfo is not None


def test_a_run_over_its_time_is_stopped(worker):
    made = worker(['sleeps'], ['done'], time_limit=0.3)
    made.run()
    assert states(made) == ['failed', 'done'] and attempts(made) == [1, 1]
    assert json.loads((made.work.runs[0].folder / 'record.json').read_text())['error']['type'] == 'TimeLimit'


def test_out_of_memory_on_a_gpu_means_fewer_runs_on_it(worker, capsys):
    made = worker(['OutOfMemory', 'done'], ['done'], ['done'], ['done'], places=slots(None, ['0', '1'], 2), takes=0.3,
                  retries=0)
    made.run()
    assert states(made) == ['done'] * 4
    assert sorted(made.free) == ['0', '1', '1'] and 'GPU 0 is out of memory' in capsys.readouterr().out


def test_alone_on_a_gpu_out_of_memory_is_a_failure(worker):
    made = worker(['OutOfMemory'], places=['0'], retries=1)
    made.run()
    assert states(made) == ['failed'] and attempts(made) == [2] and made.free == ['0']


def test_asked_to_stop_it_ends_its_children_and_counts_no_try(worker):
    made = worker(['sleeps', 'done'], ['done'])

    def stop_once_it_sleeps() -> None:
        while not tried(made.work.runs[0].folder):
            time.sleep(0.01)
        made.stop_asked.set()

    threading.Thread(target=stop_once_it_sleeps, daemon=True).start()
    outcome = made.run()
    assert outcome.stopped and states(made) == ['missing', 'missing']
    again = worker(['sleeps', 'done'], ['done'], retries=0)
    again.run()
    assert states(again) == ['done', 'done']


def test_two_workers_on_one_folder_do_each_run_once(worker):
    one = worker(*[['done']] * 6, takes=0.15)
    other = worker(*[['done']] * 6, takes=0.15)
    process = multiprocessing.get_context('fork').Process(target=other.run)
    process.start()
    outcome = one.run()
    process.join()
    assert states(one) == ['done'] * 6 and attempts(one) == [1] * 6
    assert outcome.done + outcome.skipped == 6


def test_no_run_is_started_on_a_full_disk(worker, monkeypatch):
    monkeypatch.setattr(pool.shutil, 'disk_usage', lambda _: type('U', (), dict(free=1 << 20)))
    made = worker(['done'])
    with pytest.raises(pool.DiskFull, match='less than 8 MiB free on its disk. Free some and run the same'):
        made.run()
    assert attempts(made) == [0]


def test_slots():
    assert slots(None) == [None] and slots(3) == [None] * 3
    assert slots(None, ['0', '1'], 2) == ['0', '1', '0', '1']
    assert slots(3, ['0', '1'], 2) == ['0', '1', '0']


@pytest.mark.slow
def test_runs_find_all_imported_wherever_the_command_is_typed(tmp_path):
    root = Path(__file__).parents[3]
    code = (f'import sys; sys.path.insert(0, {str(root)!r}); from benchmark.experiments.run.pool import Worker; '
            'from benchmark.experiments.state.tasks import EXECUTION, Work; from pathlib import Path; '
            'worker = Worker(Work(Path(), [], None, dict(EXECUTION)), [None], None); '
            'child = worker.context.Process(target=exec, '
            'args=("import sys; print(*{\'mmpose.visualization\', \'benchmark\'} & set(sys.modules))",)); '
            'child.start(); child.join()')
    environment = {name: value for name, value in os.environ.items() if name != 'PYTHONPATH'}
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, cwd=tmp_path, env=environment)
    assert sorted(done.stdout.split()) == ['benchmark', 'mmpose.visualization'], done.stderr


def test_a_server_that_ends_is_started_again(worker, monkeypatch):
    made = worker(['done'], ['done'])
    start, failures = made.context.Process.start, iter([EOFError, ConnectionResetError])
    monkeypatch.setattr(made.context.Process, 'start',
                        lambda self: (_ for _ in ()).throw(error) if (error := next(failures, None)) else start(self))
    assert made.run().done == 2 and states(made) == ['done', 'done'] and made.free == [None]
    monkeypatch.setattr(made.context.Process, 'start', lambda self: (_ for _ in ()).throw(EOFError('unexpected EOF')))
    again = worker(['ValueError', 'done'], ['done'], retries=0)
    (again.work.runs[1].folder / 'record.json').unlink()
    with pytest.raises(EOFError):
        again.run()


def test_the_server_that_imports_while_a_plan_is_made_is_the_one_that_runs_are_forked_from(tmp_path):
    root = Path(__file__).parents[3]
    code = ('from multiprocessing import forkserver; from pathlib import Path; '
            'from benchmark.experiments.run import pool; '
            'from benchmark.experiments.state.tasks import EXECUTION, Work; '
            "pool.Worker.preload = ('benchmark.experiments.state.records',); pool.start_importing(); "
            'server = forkserver._forkserver._forkserver_pid; '
            'worker = pool.Worker(Work(Path(), [], None, dict(EXECUTION)), [None], None); '
            "child = worker.context.Process(target=exec, args=(\"import os, sys; print(os.getppid(), "
            "'benchmark.experiments.state.records' in sys.modules, flush=True)\",)); "
            'child.start(); child.join(); print(server)')
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, cwd=root)
    parent, imported, server = done.stdout.split()
    assert parent == server and imported == 'True', done.stderr
