"""What executors hand to their engines; the engines themselves where they are installed."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from forked import command

from benchmark.experiments.commands.work import share
from benchmark.experiments.errors import SuiteError
from benchmark.experiments.executors import EXECUTORS, ExecutorError, Request, base, choose, slurm
from benchmark.experiments.executors.base import Follower
from benchmark.experiments.run.progress import Progress
from benchmark.experiments.state.records import write_record
from benchmark.experiments.state.tasks import EXECUTION, RUN, Task, Work
from benchmark.utils.signals import SIGNALS


@pytest.fixture
def request_of(tmp_path):
    """Makes a request of five runs."""
    def make(**options):
        runs = [Task(f'm/r{n}', RUN, tmp_path / f'my Suite/runs/m/r{n}', f'h{n}', {}) for n in range(5)]
        return Request(Work(tmp_path / 'my Suite', runs, None, EXECUTION), options=options,
                       workers=options.get('workers'))
    return make


def test_the_batch_script_asks_for_what_the_options_say(request_of):
    text = EXECUTORS['slurm']().script(request_of(account='lab', time='4:00:00', gres='gpu:1', memory='8G', cpus=4,
                                                  partition='main', qos='low', modules=['cuda/12', 'python']))
    for line in ('--account=lab', '--time=4:00:00', '--gres=gpu:1', '--mem=8G', '--cpus-per-task=4', '--qos=low',
                 '--partition=main', '--array=0-4', '--requeue'):
        assert f'#SBATCH {line}\n' in text
    assert 'module load cuda/12 python\n' in text
    assert "-m benchmark.experiments.commands.work '" in text and "my Suite' &" in text
    assert subprocess.run(['bash', '-n'], input=text, text=True).returncode == 0


def test_a_script_worker_hands_on_the_wish_to_stop_and_goes_to_the_queue_again(request_of, tmp_path, monkeypatch):
    executor, request = EXECUTORS['slurm'](), request_of()
    worker = ('import signal, sys, time\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(75))\n'
              'print("up", flush=True)\ntime.sleep(60)\n')
    monkeypatch.setattr(Request, 'command', lambda self: [sys.executable, '-c', worker])
    (tmp_path / 'scontrol').write_text('#!/bin/sh\necho "$@"\n')
    (tmp_path / 'scontrol').chmod(0o755)
    env = os.environ | dict(PATH=f'{tmp_path}:{os.environ["PATH"]}', SLURM_ARRAY_JOB_ID='7', SLURM_ARRAY_TASK_ID='1')
    process = subprocess.Popen(['bash', '-c', executor.script(request)], env=env, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == 'up\n'
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=10)
    assert process.returncode == 75 and out == 'requeue 7_1\n'


@pytest.mark.parametrize('name', sorted(EXECUTORS))
def test_unknown_options_are_refused(request_of, name):
    with pytest.raises(ExecutorError, match="'queue' is no option of this executor. Options: "):
        EXECUTORS[name]().check(request_of(queue='a'))


def test_engines_that_are_not_there_say_what_to_do(request_of, monkeypatch):
    monkeypatch.setenv('PATH', '')
    with pytest.raises(ExecutorError, match='sbatch: no such command. Start this on a machine'):
        EXECUTORS['slurm']().check(request_of())
    monkeypatch.setitem(sys.modules, 'ray', None)
    with pytest.raises(ExecutorError, match=r'ray is not installed\. Install it: pip install -r requirements/ray'):
        EXECUTORS['ray']().check(request_of())
    with pytest.raises(ExecutorError, match="the option 'image' is missing"):
        EXECUTORS['kubernetes']().check(request_of())


def test_the_manifest_is_an_indexed_job_of_workers(request_of):
    executor, request = EXECUTORS['kubernetes'](), request_of(image='suite:1', claim='disk', gpus=1, workers=3)
    executor.check(request)
    job = json.loads(executor.describe(request))
    assert job['kind'] == 'Job' and job['metadata']['name'] == 'ctd-my-suite'
    assert job['spec']['completions'] == job['spec']['parallelism'] == 3
    container, = job['spec']['template']['spec']['containers']
    assert container['command'][:3] == ['python', '-m', 'benchmark.experiments.commands.work']
    assert container['resources']['limits']['nvidia.com/gpu'] == '1'


def test_each_stage_has_a_job_of_its_own(request_of, tmp_path, monkeypatch, capsys):
    request = replace(request_of(image='suite:1', claim='disk'), stage='look2')
    assert EXECUTORS['kubernetes']().manifest(request)['metadata']['name'] == 'ctd-my-suite-look2'
    commands = []

    def engine(command, **options) -> subprocess.CompletedProcess:
        """A cluster on which the last stage's workers are ending yet."""
        commands.append(command[0])
        if command[0] == 'squeue':
            for task in request.work.runs:
                write_record(task.folder, dict(hash=task.hash, state='failed', error=dict(type='E', may_pass=False)))
        return subprocess.CompletedProcess(command, 0, '9\n', '')

    monkeypatch.setattr(slurm.subprocess, 'run', engine)
    place = request.work.out / 'slurm'
    place.mkdir(parents=True)
    for before, first in ((dict(job='8'), 'sbatch'), (dict(job='8', stage='look1'), 'sbatch'),
                          (dict(job='8', stage='look2'), 'squeue')):
        for task in request.work.runs:
            (task.folder / 'record.json').unlink(missing_ok=True)
        commands.clear()
        (place / 'job.json').write_text(json.dumps(before))
        with Progress('plain', 5, 0) as display:
            assert not EXECUTORS['slurm']().run(request, display)
        assert commands[0] == first and set(commands) == {first, 'squeue'}
        assert json.loads((place / 'job.json').read_text())['job'] == ('9' if first == 'sbatch' else '8')
    assert 'job 8 is in the queue already: following it' in capsys.readouterr().out


def test_what_has_ended_no_longer_waits_though_it_failed(request_of):
    work = request_of().work
    for number, may_pass in enumerate((True, False)):
        task = work.runs[number]
        write_record(task.folder, dict(hash=task.hash, state='failed', error=dict(type='E', may_pass=may_pass)))
    assert [task.id for task in base.waiting(work)] == ['m/r2', 'm/r3', 'm/r4']
    assert len(base.waiting(work, retry_failed=True)) == 5


def test_the_manifest_fits_its_schema(request_of):
    schema = json.loads((Path(__file__).parents[2] / 'data/kubernetes/job-batch-v1.json').read_text())
    check = jsonschema.Draft202012Validator(schema)
    job = json.loads(EXECUTORS['kubernetes']().describe(request_of(image='suite:1', claim='disk', gpus=1)))
    assert [error.message for error in check.iter_errors(job)] == []
    container, = job['spec']['template']['spec']['containers']
    container['imagePullPolicies'] = 'Always'
    del container['name']
    assert sorted(error.message for error in check.iter_errors(job)) == [
        "'name' is a required property",
        "Additional properties are not allowed ('imagePullPolicies' was unexpected)"]


def test_what_the_pods_have_done_is_collected_by_the_same_command(done):
    out = done.run('--executor', 'kubernetes', '--engine', 'image=suite:1', 'claim=disk')
    assert out.returncode == 0 and '3 of 3 runs done (3 before, 0 failed); results: ' in out.stdout, out.stderr
    assert 'kubectl' not in out.stdout and not (done.out / 'kubernetes.json').exists()


def test_a_share_is_every_nth_run():
    assert [n for n in range(7) if share('1/3')(n)] == [1, 4]
    assert share(None) is None
    for bad in ('3/3', '1', 'a/b', '1/0'):
        with pytest.raises(SuiteError, match='give I/N'):
            share(bad)


def test_followed_runs_are_shown_and_workers_that_are_gone_started_again(request_of, capsys):
    request = request_of()
    for task in request.work.runs:
        task.folder.mkdir(parents=True)
    failure = dict(type='ValueError', message='no', may_pass=False)

    def end(number: int) -> None:
        write_record(request.work.runs[number].folder, dict(hash=f'h{number}', state='failed', error=failure))

    started = []

    def again() -> None:
        started.append(1)
        end(len(started))

    with Progress('plain', 5, 0) as display:
        follower = Follower(request, display)
        end(0)
        follower.wait(lambda: False, again, restarts=4, interval=0.01)
    assert len(started) == 4
    assert capsys.readouterr().out.count('FAILED: ValueError: no') == 5


def test_the_controller_is_asked_with_growing_pauses_up_to_a_minute(request_of, monkeypatch, capsys):
    request, now, asked, submitted = request_of(), [0.0], [], []

    def engine(command, **options) -> subprocess.CompletedProcess:
        """squeue and sbatch of a cluster whose first job ends after 500 s."""
        if command[0] == 'sbatch':
            submitted.append(now[0])
            return subprocess.CompletedProcess(command, 0, f'{7 + len(submitted)}\n', '')
        asked.append(now[0])
        gone = command[command.index('--jobs') + 1] == '8' and now[0] > 500
        return subprocess.CompletedProcess(command, 0, '' if gone else 'RUNNING\n', '')

    def wait(stop, seconds: float) -> bool:
        now[0] += seconds
        if now[0] >= 900:
            for task in request.work.runs:
                write_record(task.folder, dict(hash=task.hash, state='failed', error=dict(type='E', may_pass=False)))
        return False

    monkeypatch.setattr(slurm.subprocess, 'run', engine)
    monkeypatch.setattr(base.time, 'monotonic', lambda: now[0])
    monkeypatch.setattr(base.Stop, 'wait', wait)
    with Progress('plain', 5, 0) as display:
        assert not EXECUTORS['slurm']().run(request, display)
    pauses = [later - earlier for earlier, later in zip(asked, asked[1:])]
    assert pauses[:7] == [1, 2, 4, 8, 16, 32, 60] and max(pauses) == 60
    again = asked.index(submitted[1])
    assert 500 < submitted[1] <= 561 and pauses[again:again + 4] == [1, 2, 4, 8] and now[0] == 900
    assert len(asked) < 30 and 'starting workers again' in capsys.readouterr().out


def test_who_follows_runs_and_is_asked_to_stop_leaves_the_job(request_of, monkeypatch, capsys):
    def engine(command, **options) -> subprocess.CompletedProcess:
        if command[0] == 'squeue':
            os.kill(os.getpid(), signal.SIGTERM)
        return subprocess.CompletedProcess(command, 0, '8\n', '')

    before = {name: signal.getsignal(name) for name in SIGNALS}
    monkeypatch.setattr(slurm.subprocess, 'run', engine)
    try:
        with Progress('plain', 5, 0) as display:
            assert EXECUTORS['slurm']().run(request_of(), display)
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)
    assert 'job 8 continues; the same command follows it, `scancel 8` ends it' in capsys.readouterr().out


def test_workers_that_keep_ending_are_given_up(request_of):
    with Progress('none', 5, 0) as display, pytest.raises(ExecutorError, match='5 runs are unfinished, such as m/r0'):
        Follower(request_of(), display).wait(lambda: False, lambda: None, restarts=2, interval=0.01)


def test_a_worker_joins_from_anywhere(done, tiny):
    process = tiny.start('--progress', 'none')
    while not (tiny.out / 'plan.json').exists():
        time.sleep(0.05)
    other = command(['-m', 'benchmark.experiments.commands.work', tiny.out])
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0 and other.returncode == 0, out + err + other.stdout + other.stderr
    assert ' 0 failed' in other.stdout
    assert tiny.digests() == done.digests()
    nowhere = command(['-m', 'benchmark.experiments.commands.work', tiny.folder])
    assert nowhere.returncode == 2 and 'Nothing has been started' in nowhere.stderr


@pytest.mark.slow
def test_ray_gives_the_bytes_of_the_local_executor_though_a_worker_is_killed(done, tiny):
    pytest.importorskip('ray', reason='Ray is not installed here (requirements/ray.txt)')
    for _ in range(3):
        process = tiny.start('--executor', 'ray', '--engine', 'workers=2', '--progress', 'plain')
        while not (victims := _ray_workers(process.pid)) or not list(tiny.out.glob('runs/*/*/log')):
            if process.poll() is not None:
                break
            time.sleep(0.1)
        else:
            break
        # Ray gives up where its own processes are slow to start, as on a machine that is busy with other things.
        said = process.communicate()
        assert 'failed to startup' in said[1], said
    os.kill(victims[0], signal.SIGKILL)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, out + err
    assert tiny.digests() == done.digests()


def _ray_workers(command: int) -> list[int]:
    """Processes that a command's Ray has given to our tasks."""
    lines = subprocess.run(['ps', '-A', '-o', 'pid=,ppid=,args='], capture_output=True, text=True).stdout.splitlines()
    parents, found = {}, []
    for pid, parent, args in (line.split(None, 2) for line in lines):
        parents[pid] = parent
        if args.startswith('ray::_work'):
            found.append(pid)

    def ours(pid: str) -> bool:
        return pid == str(command) or pid in parents and ours(parents[pid])

    return [int(pid) for pid in found if ours(pid)]


OWN = '''from benchmark.experiments.executors import Executor


class Mine(Executor):
    OPTIONS = ('queue',)

    def run(self, request, display):
        return False


class Unfinished(Executor):
    pass
'''


def test_an_executor_of_ones_own(tmp_path, monkeypatch, request_of):
    path = tmp_path / 'own_executor.py'
    path.write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    for name in (f'{path}:Mine', 'own_executor:Mine'):
        found = choose(name, EXECUTORS)
        assert found.__name__ == 'Mine' and found().run(request_of(queue='a'), None) is False
        found().check(request_of(queue='a'))
    assert choose('slurm', EXECUTORS) is EXECUTORS['slurm']
    info = tmp_path / 'own-1.dist-info'
    info.mkdir()
    (info / 'METADATA').write_text('Metadata-Version: 2.1\nName: own\nVersion: 1\n')
    (info / 'entry_points.txt').write_text('[landmark_benchmark.executors]\nmine = own_executor:Mine\n')
    assert choose('mine', EXECUTORS).__name__ == 'Mine'
    for name, message in (('grid', "'grid' is unknown. Give one of local, slurm, ray, kubernetes, mine, or a class of"),
                          (f'{path}:Other', 'has no attribute'), (f'{path}:Unfinished', 'is no Executor with a method'),
                          ('own_executor:OWN', 'has no attribute'), ('nothing_there:Mine', 'ModuleNotFoundError'),
                          (f'{tmp_path}/none.py:Mine', 'FileNotFoundError')):
        with pytest.raises(ExecutorError, match=f'--executor: .*{message}'):
            choose(name, EXECUTORS)
