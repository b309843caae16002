"""Suites that stop themselves: stages, looks, what was there before, what is refused; no run trains."""

import json
from dataclasses import asdict

import pandas
import pytest
from staged import LOOKS_PLAN, SETTLED, Instant

from benchmark.experiments.commands import stages
from benchmark.statistics.ledger import LOOKS, read_ledger
from benchmark.statistics.sequential.plan import SequentialPlan


def test_a_suite_stops_itself_and_methods_that_are_settled_get_no_more_seeds(world, capsys):
    assert world.until() == 0
    assert world.seeds() == SETTLED and Instant.calls == ['seeds2', 'seeds3', 'seeds4']
    one, two, three = world.looks
    assert one['seeds'] == dict(ft=[0, 1], fe=[0, 1], ftp=[0, 1]) and one['look']['number'] == 1
    assert two['seeds'] == dict(ft=[0, 1, 2], fe=[0, 1], ftp=[0, 1, 2])
    assert three['planned'] == dict(ft=4, fe=2, ftp=4) and three['plan']['sequential']['max_seeds'] == 6
    said = capsys.readouterr().out
    assert 'look 1, 2 seeds of each method: 1 of 2 planned contrasts are settled\n' in said
    assert ('  open          ME of ftp - ft: -0.25 [-0.5, 0.1]; 6 seeds (the maximum) would settle it with a chance of '
            '30 %\n') in said
    assert 'look 3, seeds: 4 of ft, ftp; 2 of fe: 2 of 2 planned contrasts are settled\n' in said
    assert '  superior      ME of fe - ft: -0.25 [-0.5, 0.1], at look 1\n' in said
    assert '[-0.5, 0.1], at look 3; 60 test images with 6 seeds of each method would settle it\n' in said
    assert said.endswith('no planned contrast is open after look 3: 10 trainings\n')
    table = pandas.read_parquet(world.out / 'results.parquet')
    assert table.groupby('method').seed.nunique().to_dict() == dict(ft=4, fe=2, ftp=4)
    assert (world.out / 'analysis.json').exists()


def test_the_same_command_again_does_nothing_and_counts_no_look(world, capsys):
    world.until()
    before = (world.out / LOOKS).read_bytes()
    capsys.readouterr()
    assert world.until() == 0
    said = capsys.readouterr().out
    assert '10 of 10 runs done (10 before' in said and said.endswith('after look 3: 10 trainings\n')
    assert (world.out / LOOKS).read_bytes() == before and world.seeds() == SETTLED


def test_seeds_of_a_stage_have_the_hashes_of_a_suite_with_as_many(world):
    world.until()
    staged = {run['id']: run['hash'] for run in json.loads((world.out / 'plan.json').read_text())['runs']}
    world.out = world.out.with_name('other')
    assert world.run('--seeds', '4') == 0
    fixed = {run['id']: run['hash'] for run in json.loads((world.out / 'plan.json').read_text())['runs']}
    assert staged.items() < fixed.items() and len(fixed) == 12


def test_what_a_suite_lists_comes_first_and_then_the_next_whole_numbers(world):
    world.write(LOOKS_PLAN + 'seeds = [5, 3]\n')
    assert world.until() == 0
    assert world.seeds() == dict(ft=[5, 3, 6, 7], fe=[5, 3], ftp=[5, 3, 6, 7])
    assert stages.seeds_for([0, 1, 2], 2) == [0, 1] and stages.seeds_for([0, 1, 2], 5) == [0, 1, 2, 3, 4]


def test_it_ends_at_the_maximum_and_says_that_something_is_open(world, capsys):
    world.settles['ftp'] = 99
    assert world.until() == 0
    assert world.seeds() == dict(ft=[*range(6)], fe=[0, 1], ftp=[*range(6)]) and len(world.looks) == 5
    assert capsys.readouterr().out.endswith(
        'the maximum of 6 seeds leaves 1 of 2 planned contrasts open: 14 trainings\n')


def test_looks_lie_as_far_apart_as_was_declared(world):
    world.write('analysis.update(sequential=dict(max_seeds=6, first_look=2, look_every=3))\n')
    world.settles['ftp'] = 6
    assert world.until() == 0
    assert [max(map(len, one['seeds'].values())) for one in world.looks] == [2, 5, 6]


def test_a_method_all_of_whose_runs_failed_stays_open_and_is_named_until_it_has_results(world, capsys, monkeypatch):
    monkeypatch.setattr(Instant, 'failing', {('ftp', 0), ('ftp', 1)})
    world.settles.update(fe=3)
    assert world.until() == 1
    said = capsys.readouterr().out
    assert 'look 1, seeds: 2 of ft, fe; 0 of ftp; 2 runs failed: 0 of 2 planned contrasts are settled\n' in said
    assert '  open          ME of ftp - ft: no results of ftp\n' in said
    assert said.endswith('1 of 2 planned contrasts are settled after look 2; no results of ftp: 8 trainings. Mend what '
                         'fails and give --retry-failed\n')
    assert world.seeds() == dict(ft=[0, 1, 2], fe=[0, 1, 2], ftp=[0, 1]) and not world.looks[-1]['look']['last']
    monkeypatch.setattr(Instant, 'failing', set())
    assert world.until('--retry-failed') == 0
    assert world.seeds() == dict(ft=[*range(4)], fe=[0, 1, 2], ftp=[*range(4)])
    assert capsys.readouterr().out.endswith('no planned contrast is open after look 5: 11 trainings\n')


# -- what was there before --------------------------------------------------------------------------------------------

def test_without_looks_of_its_own_a_suite_gets_those_that_stand_in_the_plan_then(world, capsys):
    world.write()
    world.settles.update(fe=3)
    assert world.until('--max-seeds', '5') == 0
    plan = json.loads((world.out / 'plan.json').read_text())
    assert plan['analysis']['sequential'] == asdict(SequentialPlan(5))
    assert [len(one['seeds']['ft']) for one in world.looks] == [3, 4]
    assert world.until('--max-seeds', '5') == 0
    assert world.until() == 2
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1 and 'has changed since look 2: sequential.max_seeds 5 -> 10. Looks hold' in said


def test_results_of_a_plan_without_looks_are_not_gone_on_with_unless_that_is_told(world, capsys):
    world.write()
    assert world.run('--seeds', '2') == 0
    world.analysed()
    before = (world.out / 'plan.json').read_bytes()
    assert world.until('--max-seeds', '4') == 2
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1 and 'there are results of a plan without looks' in said
    assert 'such as ft/all-seed0-' in said and '--start-anew, which the report tells' in said
    assert (world.out / 'plan.json').read_bytes() == before
    assert world.until('--max-seeds', '4', '--start-anew', '--dry-run') == 0
    assert read_ledger(world.out).before == 0
    assert world.until('--max-seeds', '4', '--start-anew') == 0
    assert [len(one['seeds']['ft']) for one in world.looks] == [3, 4]
    assert read_ledger(world.out).before == 1 and (world.out / 'earlier/looks-1.json').exists()


def test_seeds_that_are_there_are_taken_into_the_first_look(world):
    assert world.run('--seeds', '3') == 0
    assert world.until() == 0
    assert world.looks[0]['seeds'] == dict(ft=[0, 1, 2], fe=[0, 1, 2], ftp=[0, 1, 2]) and len(world.looks) == 2


def test_a_plan_that_has_changed_is_refused_before_anything_is_trained(world, capsys):
    world.until()
    world.write(LOOKS_PLAN + 'analysis.update(alpha=0.1)\n')
    for options in (['--until', 'settled'], ['--seeds', '7'], ['--until', 'settled', '--dry-run']):
        Instant.calls.clear()
        assert world.run(*options) == 2 and Instant.calls == []
        said = capsys.readouterr().err
        assert len(said.splitlines()) == 1
        assert 'looks.json: the analysis plan has changed since look 3: alpha 0.05 -> 0.1. Looks hold' in said
    assert world.until('--start-anew') == 0 and read_ledger(world.out).before == 3
    assert [one['plan']['alpha'] for one in world.looks] == [0.1]


def test_runs_that_would_be_others_are_refused_before_anything_is_trained(world, capsys):
    world.until()
    Instant.calls.clear()
    world.write(LOOKS_PLAN + 'settings.update(lr=0.01)\n')
    for options in (['--until', 'settled'], ['--seeds', '4']):
        assert world.run(*options) == 2 and Instant.calls == []
        said = capsys.readouterr().err
        assert len(said.splitlines()) == 1 and 'looks.json: look 3 was taken with ft/all-seed0-' in said
        assert 'which are not among the runs now: run the suite as it was then, or begin again with' in said


def test_a_program_with_other_numerics_begins_a_ledger_and_counts_the_old_one(world):
    world.until()
    plan = json.loads((world.out / 'plan.json').read_text()) | dict(numerics=0)
    (world.out / 'plan.json').write_text(json.dumps(plan))
    assert world.until() == 0
    assert len(world.looks) == 1 and read_ledger(world.out).before == 3 and world.seeds() == SETTLED
    assert (world.out / 'earlier/numerics-0' / LOOKS).exists()


@pytest.mark.parametrize(('options', 'text', 'words'), [
    (['--until', 'settled', '--seeds', '3'], LOOKS_PLAN, '--seeds 3: with --until settled the looks decide which'),
    (['--until', 'settled', '--only', 'ft/*'], LOOKS_PLAN, '--only ft/*: with --until settled the looks decide which'),
    (['--max-seeds', '3'], LOOKS_PLAN, '--max-seeds 3 goes with --until settled. Give that too, or --seeds.'),
    (['--until', 'settled'], 'analysis.update(reference=None)\n', 'mine.py: --until settled: no contrast is planned'),
    (['--until', 'settled', '--methods', 'fe,ftp'], LOOKS_PLAN, '--until settled: no contrast is planned between the'),
    (['--until', 'settled', '--max-seeds', '2'], '', '--max-seeds 2: analysis.sequential: field max_seeds: 2 is below'),
    (['--until', 'settled', '--max-seeds', '0'], '', '--max-seeds 0: analysis.sequential: field max_seeds: 0 is not'),
    (['--until', 'settled'], 'analysis.update(sequential=dict(max_seeds=9, look_every=0))\n',
     'analysis.sequential: field look_every: 0 is not a whole number of at least 1; give the seeds between two looks'),
    (['--until', 'settled'], 'analysis.update(sequential=dict(max_seeds=9, first_look=1))\n',
     'analysis.sequential: field first_look: 1 is not a whole number of at least 2; one seed says nothing about'),
])
def test_what_cannot_be_meant_is_one_line(world, capsys, options, text, words):
    world.write(text)
    assert world.run(*options) == 2
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1 and said.startswith('error: ') and words in said


def test_a_maximum_below_the_seeds_that_are_there_is_refused(world, capsys):
    world.until()
    assert world.until('--max-seeds', '3') == 2
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1
    assert f'is below the 4 seeds of ft that are in {world.out} already. Give 4 or more, or another --out.' in said


def test_a_ledger_that_was_cut_is_refused_before_anything_is_trained(world, capsys):
    world.until()
    path = world.out / LOOKS
    path.write_bytes(path.read_bytes()[:-100])
    for options in (['--until', 'settled'], ['--status']):
        assert world.run(*options) == 2
        assert 'looks.json: the whole file is not JSON' in capsys.readouterr().err
    assert world.run('--seeds', '4') == 2 and 'was cut or edited' in capsys.readouterr().err


def test_more_seeds_than_the_maximum_are_refused_without_until_too(world, capsys):
    assert world.run('--seeds', '7') == 2 and Instant.calls == []
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1
    assert 'field max_seeds: 6 is below the 7 seeds of ft; the last look is at the maximum: declare 7 or more' in said
    assert world.run('--seeds', '6') == 0
