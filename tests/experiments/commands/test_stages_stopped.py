"""Suites that stop themselves: stopped, killed, with runs that fail, on every engine; what is said meanwhile."""

import json
import subprocess
import sys
import time
import types

import pandas
import pytest
from staged import SETTLED, Instant, perform

from benchmark.experiments.executors import ExecutorError, slurm, waiting
from benchmark.experiments.state.tasks import read_work
from benchmark.statistics import looking
from benchmark.statistics.ledger import read_ledger

# -- stopped, killed, failed ------------------------------------------------------------------------------------------

def test_stopped_in_any_stage_the_same_command_ends_as_if_nobody_had(world, monkeypatch):
    codes = []
    monkeypatch.setattr(Instant, 'stop_after', 1)
    while (not codes or codes[-1]) and len(codes) < 30:
        codes.append(world.until())
    assert codes[-1] == 0 and codes[:-1] and set(codes[:-1]) == {130}
    assert world.seeds() == SETTLED
    assert [max(map(len, one['seeds'].values())) for one in world.looks] == [2, 3, 4]


@pytest.mark.parametrize('place', ['read_ledger', 'analyze', '_record', '_tell_before'])
def test_killed_around_a_look_it_is_taken_again_and_counted_once(world, monkeypatch, place):
    real, calls = getattr(looking, place), []

    def killed(*args, **more):
        calls.append(1)
        if len(calls) % 3 == 1:
            raise KeyboardInterrupt
        return real(*args, **more)
    monkeypatch.setattr(looking, place, killed)
    for _ in range(20):
        if (code := world.until()) == 0:
            break
        assert code == 130
    assert code == 0 and world.seeds() == SETTLED
    assert [one['number'] for one in world.looks] == [1, 2, 3]
    assert [max(map(len, one['seeds'].values())) for one in world.looks] == [2, 3, 4]


def test_runs_that_fail_are_counted_and_block_nothing(world, monkeypatch, capsys):
    monkeypatch.setattr(Instant, 'failing', {('ftp', 1), ('ftp', 2)})
    assert world.until() == 1
    assert world.seeds() == dict(ft=[*range(6)], fe=[0, 1], ftp=[*range(6)])
    assert [one['seeds']['ftp'] for one in world.looks] == [[0], [0], [0, 3], [0, 3, 4], [0, 3, 4, 5]]
    assert [one['failed'].get('ftp') for one in world.looks] == [[1], [1, 2], [1, 2], [1, 2], [1, 2]]
    assert 'look 2, seeds: 3 of ft; 2 of fe; 1 of ftp; 2 runs failed: 1 of 2' in capsys.readouterr().out


def test_a_stage_of_which_every_run_fails_is_gone_beyond(world, monkeypatch):
    monkeypatch.setattr(Instant, 'failing', {(name, 2) for name in ('ft', 'ftp')})
    world.settles['ftp'] = 3
    assert world.until() == 1
    assert world.seeds()['ft'] == [0, 1, 2, 3] and world.looks[-1]['seeds']['ft'] == [0, 1, 3]
    assert len(world.looks) == 2


def test_a_declared_look_waits_for_all_runs(world, capsys):
    world.run('--seeds', '2')
    work = read_work(world.out)
    (work.runs[0].folder / 'record.json').unlink()
    stages_table = pandas.read_parquet(world.out / 'results.parquet')
    stages_table[~((stages_table.method == 'ft') & (stages_table.seed == 0))].to_parquet(world.out / 'results.parquet')
    with pytest.raises(looking.TableError, match=r'1 of the 2 runs of ft have not ended, and a look that was declared '
                                                 r'\(analysis.sequential\) waits for all of them; run the suite'):
        world.analysed()
    assert world.looks == []


@pytest.mark.slow
def test_trainings_that_are_told_to_stop_in_the_second_stage_go_on_from_there(tiny):
    declared = "analysis.update(reference='ft', draws=100, sequential=dict(max_seeds=3, first_look=2, futility=None))\n"
    options = ['--until', 'settled', '--progress', 'plain']
    process = tiny.start(*options, text=declared)
    end = time.monotonic() + 600
    while not list(tiny.out.glob('runs/*/all-seed2-*/log')):
        assert time.monotonic() < end and process.poll() is None, process.communicate()
        time.sleep(0.05)
    process.terminate()
    out, err = process.communicate(timeout=120)
    assert process.returncode == 130, out + err
    ledger = read_ledger(tiny.out)
    assert [one['planned'] for one in ledger.looks] == [dict(ft=2, ctd_com=2, hg=2)]
    again = tiny.run(*options, text=declared)
    assert again.returncode == 0, again.stdout + again.stderr
    first, second = read_ledger(tiny.out).looks
    assert first == ledger.looks[0] and second['seeds']['ft'] == [0, 1, 2] and second['look']['last']
    table = pandas.read_parquet(tiny.out / 'results.parquet').groupby('method').seed.unique()
    assert {name: sorted(map(int, seeds)) for name, seeds in table.items()} == second['seeds']


# -- engines ----------------------------------------------------------------------------------------------------------

def test_slurm_gets_a_job_for_each_stage(world, monkeypatch):
    submitted = []

    def engine(command, **options) -> subprocess.CompletedProcess:
        if command[0] == 'sbatch':
            submitted.append(json.loads((world.out / 'plan.json').read_text())['runs'])
            for task in waiting(read_work(world.out)):
                perform(task)
        return subprocess.CompletedProcess(command, 0, f'{len(submitted)}\n' if command[0] == 'sbatch' else '', '')
    monkeypatch.setattr(slurm.subprocess, 'run', engine)
    monkeypatch.setattr(slurm.shutil, 'which', lambda name: name)
    assert world.until('--executor', 'slurm') == 0
    assert [len(runs) for runs in submitted] == [6, 8, 10] and world.seeds() == SETTLED and len(world.looks) == 3


def test_ray_gets_workers_for_each_stage(world, monkeypatch):
    started = []

    class Work:
        def remote(self, *args):
            started.append(args)
            for task in waiting(read_work(world.out)):
                perform(task)
    fake = types.SimpleNamespace(init=lambda **more: None, shutdown=lambda: None, cancel=lambda task, force: None,
                                 remote=lambda **more: lambda function: Work(), wait=lambda tasks, **more: (tasks, []))
    monkeypatch.setitem(sys.modules, 'ray', fake)
    assert world.until('--executor', 'ray', '--engine', 'workers=1') == 0
    assert len(started) == 3 and world.seeds() == SETTLED and len(world.looks) == 3


def test_kubernetes_is_handed_each_stage_by_the_same_command(world, capsys):
    command = ['--executor', 'kubernetes', '--engine', 'image=suite:1', 'claim=disk']
    names = []
    for expected in (0, 1, 2):
        assert world.until(*command) == 0
        said = capsys.readouterr().out
        assert 'the look waits for ' in said and 'the same command goes on' in said
        assert world.until(*command) == 0 and len(world.looks) == expected, 'while pods work'
        names.append(json.loads((world.out / 'kubernetes.json').read_text())['metadata']['name'])
        for task in waiting(read_work(world.out)):
            perform(task, {('fe', 1)})
    assert world.until(*command) == 1 and len(world.looks) == 3, 'one failed'
    assert names == ['ctd-out-seeds2', 'ctd-out-seeds3', 'ctd-out-seeds4']


def test_an_engine_that_gives_up_leaves_no_look(world, monkeypatch, capsys):
    def gone(self, request, display):
        for task in waiting(request.work)[:2]:
            perform(task)
        raise ExecutorError('the workers keep ending.')
    monkeypatch.setattr(Instant, 'run', gone)
    assert world.until() == 1
    said = capsys.readouterr()
    assert 'the look waits for 4 of the runs, such as ' in said.out and 'workers keep ending' in said.err
    assert world.looks == []


# -- what is said beforehand and meanwhile ----------------------------------------------------------------------------

def test_a_dry_run_shows_the_stages_and_the_most_that_they_cost(world, capsys):
    assert world.until('--dry-run') == 0
    said = capsys.readouterr().out
    assert '6 of 6 runs to do' in said and 'looks at 2, 3, 4, 5, 6 seeds; a method whose contrasts are settled' in said
    assert 'until the next look: 2 seeds of each method; 6 of 6 runs to do\n' in said
    assert 'at most 18 runs are left, where nothing is settled before 6 seeds\n' in said and not world.looks
    world.until()
    capsys.readouterr()
    assert world.until('--dry-run') == 0
    said = capsys.readouterr().out
    assert said.endswith('no planned contrast is open after look 3: 10 trainings\n') and 'at most' not in said


def test_a_dry_run_knows_what_runs_take(world, monkeypatch, capsys):
    monkeypatch.setattr(Instant, 'stop_after', 2)
    assert world.until() == 130
    capsys.readouterr()
    assert world.until('--dry-run', '--workers', '2') == 0
    assert 'at most 16 runs are left, where nothing is settled before 6 seeds, 16 s\n' in capsys.readouterr().out


def test_the_status_shows_what_is_settled_and_open(world, monkeypatch, capsys):
    monkeypatch.setattr(Instant, 'stop_after', 6)
    assert world.until() == 0
    monkeypatch.setattr(Instant, 'stop_after', 0)
    world.settles['ftp'] = 9
    capsys.readouterr()
    assert world.run('--status') == 0
    said = capsys.readouterr().out.splitlines()
    assert said[-4] == '10 runs: 10 done'
    assert said[-3] == 'look 3, seeds: 4 of ft, ftp; 2 of fe: 2 of 2 planned contrasts are settled'
    assert said[-2].startswith('  superior      ME of fe - ft') and said[-1].startswith('  futile ')


def test_the_status_counts_looks_that_nobody_declared(world, capsys):
    world.write()
    world.run('--seeds', '2')
    world.analysed()
    capsys.readouterr()
    world.run('--status')
    assert capsys.readouterr().out.endswith('look 1, 2 seeds of each method; no looks are declared '
                                            '(analysis.sequential)\n')
