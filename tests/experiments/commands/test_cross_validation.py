"""A cross-validation from command to page: each image tested once per repetition, a missing fold, the same command."""

import json

import pandas
import pytest

from benchmark.experiments.commands.results import collect, incomplete
from benchmark.experiments.state.tasks import read_work
from benchmark.statistics import analyze, read_suite


@pytest.mark.slow
def test_a_cross_validation_is_run_analysed_and_shown(tiny):
    options = ('--methods', 'ft,ctd_com', '--folds', '2', '--repeats', '2')
    planned = tiny.run(*options, '--dry-run')
    assert 'cross-validation: 2 repetitions of 2 folds by subject' in planned.stdout and '8 trainings' in planned.stdout
    done = tiny.run(*options)
    assert done.returncode == 0 and 'expected time: known when the first training is done' in done.stdout
    plan = json.loads((tiny.out / 'plan.json').read_text())
    assert plan['seeds'] == [0, 1] and {(run['repetition'], run['fold']) for run in plan['runs']} == {
        (0, 0), (0, 1), (1, 0), (1, 1)}
    assert {run['data'] for run in plan['runs']} == {fold['fingerprint'] for fold in plan['folds']['drawn']}
    assert len({seed for run in plan['runs'] for seed in [run['seeds']['init']]}) == 8
    assert all('-repeat' in run['id'] and '-fold' in run['id'] for run in plan['runs'])
    table = pandas.read_parquet(tiny.out / 'results.parquet')
    tested = table.drop_duplicates(['method', 'repetition', 'image']).groupby(['method', 'repetition']).size()
    assert (tested == 12).all() and len(tested) == 4
    for fold in plan['folds']['drawn']:
        own = table[(table['repetition'] == fold['repetition']) & (table['fold'] == fold['fold'])]
        assert sorted(own['image'].unique()) == fold['tested']

    suite = read_suite(tiny.out)
    content = analyze(suite.table, suite.plan, suite.records, draws=100, proposed='ft')
    assert content['design'] == 'cross-validation' and content['folds']['n_folds'] == 2
    assert content['runs']['done'] == 8 and content['methods']['ft']['n_seeds'] == 2
    assert tiny.run(*options).stdout.count('8 of 8 runs done (8 before') == 1

    # A fold that is not done leaves its repetition of that method out, and nothing else.
    gone = next(run for run in plan['runs'] if (run['method'], run['repetition'], run['fold']) == ('ft', 1, 0))
    (tiny.out / gone['folder'] / 'record.json').unlink()
    work = read_work(tiny.out)
    assert incomplete(work) == {('ft', 'all', 1)}
    left = pandas.read_parquet(collect(work, []))
    assert left.groupby('method')['repetition'].nunique().to_dict() == {'ctd_com': 2, 'ft': 1}
    suite = read_suite(tiny.out)
    assert analyze(suite.table, suite.plan, suite.records, draws=100)['methods']['ft']['n_seeds'] == 1


@pytest.mark.parametrize('options, message', [
    (('--folds', '1'), '--folds 1: give 2 or more'), (('--repeats', '3'), 'has no folds to repeat'),
    (('--folds', '3', '--seeds', '2'), '--seeds 2: in a cross-validation seeds are its repetitions'),
    (('--folds', '13'), 'so that some fold would have no test image')])
def test_folds_that_cant_be_are_one_line(done, options, message):
    found = done.run(*options, '--dry-run')
    assert found.returncode == 2 and message in found.stderr and found.stderr.count('\n') == 1
