"""The simulation study: its truths, its data, the tests it copies from others, and that it tells right from wrong."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from benchmark.statistics.rank_tests import signed_rank
from benchmark.statistics.terms import DESIGNS
from benchmark.validation import few, looks, procedures, tables
from benchmark.validation.model import COMMON, ENDPOINTS, ERRORS, MEAN, Cell
from benchmark.validation.plan import Effort
from benchmark.validation.studies import many_at_once
from benchmark.validation.tally import BOUNDS, Tally
from benchmark.validation.workers import simulate

TOOL = Path(__file__).resolve().parents[2] / 'tools/validate_statistics.py'
spec = importlib.util.spec_from_file_location('validate_statistics', TOOL)
tool = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tool)

DRAWS = 400_000


def near(values, truth):
    """Whether a mean is within 4.5 standard errors of what it should be."""
    return abs(values.mean() - truth) < 4.5 * values.std() / np.sqrt(len(values))


def rates(rows, **wanted):
    return {row['endpoint']: row['rate'] for row in rows if all(row[key] == value for key, value in wanted.items())}


@pytest.mark.parametrize('errors', ERRORS)
@pytest.mark.parametrize('design', DESIGNS)
def test_truths_of_the_procedure(errors, design):
    cell, rng = Cell(errors, design, 0.3, 1, 1), np.random.default_rng(1)
    predictor = cell.predictor(rng, cell.seed_effects(rng, DRAWS, methods=1))[:, 0, 0, 0]
    assert near(cell.score('ME', predictor), MEAN)
    for endpoint in ENDPOINTS:
        for shift in (0.0, 0.2):
            scores = cell.score(endpoint, predictor + shift / cell.unit)
            assert near(scores, cell.procedure_truth(endpoint, shift)), (endpoint, shift)


@pytest.mark.parametrize('errors', ERRORS)
def test_truths_of_given_networks(errors):
    cell, rng = Cell(errors, 'nested', 0.3, 3, 1), np.random.default_rng(2)
    effects = np.array([-0.3, 0.1, 0.5]) / cell.unit
    predictor = cell.predictor(rng, np.broadcast_to(effects, (DRAWS, 1, 3)))[:, 0, :, 0]
    for endpoint in ENDPOINTS:
        for shift in (0.0, 0.2):
            scores = cell.score(endpoint, predictor + shift / cell.unit).mean(axis=1)
            assert near(scores, cell.networks_truth(endpoint, effects, shift)), (endpoint, shift)


@pytest.mark.parametrize('errors', ERRORS)
@pytest.mark.parametrize('design', DESIGNS)
def test_truth_of_better(errors, design):
    cell, rng = Cell(errors, design, 0.3, 2, 1), np.random.default_rng(3)
    effects = cell.seed_effects(rng, DRAWS)
    a, b = np.moveaxis(cell.score('ME', cell.predictor(rng, effects))[..., 0], 1, 0)
    a = a + 0.1 if errors == 'normal' else a * np.exp(0.1 / MEAN)
    better = (a[:, :, None] < b[:, None, :]).mean(axis=(1, 2))
    assert near(better, cell.better_truth(0.1))
    assert near(better - cell.better_truth(0.1, effects), 0.0)


def test_what_methods_and_seeds_share():
    rng = np.random.default_rng(4)
    for design, correlation in (('nested', 0.0), ('paired', COMMON)):
        effects = Cell('normal', design, 0.05, 2, 1).seed_effects(rng, DRAWS)
        found = np.corrcoef(effects.reshape(DRAWS, 4).T)  # a1, a2, b1, b2
        assert effects.std() == pytest.approx(0.05, rel=0.01)
        assert found[0, 2] == pytest.approx(correlation, abs=0.01) and found[0, 1] == pytest.approx(0, abs=0.01)
    cell = Cell('normal', 'nested', 0.0, 2, 1)
    predictor = cell.predictor(rng, np.zeros((DRAWS, 2, 2)))[..., 0]
    covariance = np.cov(predictor.reshape(DRAWS, 4).T)
    assert covariance[0] == pytest.approx([0.1925, 0.17, 0.16, 0.16], abs=0.0015)


def test_crossed_t_holds_its_level_and_pooled_wilcoxon_does_not():
    rows = many_at_once(Cell('normal', 'nested', 0.05, 5, 310), Effort(replications=2000, others=300))
    crossed = rates(rows, study='type I', scope='procedure', test=procedures.CROSSED)
    assert all(0.03 < rate < 0.07 for rate in crossed.values()), crossed
    networks = rates(rows, study='type I', scope='networks', test=procedures.PAIRED_T)
    assert all(0.03 < rate < 0.07 for rate in networks.values()), networks
    assert all(0.93 < rate < 0.97 for rate in rates(rows, study='coverage', test=procedures.CROSSED).values())
    assert rates(rows, study='type I', scope='procedure', test=procedures.POOLED)['ME'] > 0.5
    assert rates(rows, study='type I', scope='networks', test=procedures.POOLED)['ME'] > 0.15
    assert rates(rows, study='type I', scope='procedure', test=procedures.AVERAGED)['ME'] > 0.3
    # The same t test, read as one of procedures.
    wrong = [row for row in rows if (row['scope'], row['test']) == ('procedure', procedures.PAIRED_T)]
    assert wrong and all(not row['ours'] and row['rate'] > 0.2 and not row['inside'] for row in wrong)


def test_paired_seeds():
    rows = many_at_once(Cell('skewed', 'paired', 0.05, 5, 50), Effort(replications=2000, others=1))
    crossed = rates(rows, study='type I', scope='procedure', test=procedures.CROSSED)
    assert all(0.03 < rate < 0.07 for rate in crossed.values()), crossed
    assert rates(rows, study='type I', scope='procedure', test=procedures.MISDECLARED)['ME'] < crossed['ME']


def test_what_others_do_is_what_they_do():
    rng = np.random.default_rng(5)
    a, b = rng.normal(size=(2, 4, 5, 60))
    b[0, :, :30] = a[0, :, :30]
    for i in range(4):
        pooled = stats.wilcoxon((a[i] - b[i]).ravel(), method='asymptotic', correction=False).pvalue
        assert procedures.pooled_wilcoxon(a, b)[i] == pytest.approx(pooled)
        averaged = signed_rank(a[i].mean(axis=0) - b[i].mean(axis=0))
        if not averaged.exact:
            assert procedures.averaged_wilcoxon(a, b)[i] == pytest.approx(averaged.p)
        on_seeds = stats.wilcoxon(a[i].mean(axis=1), b[i].mean(axis=1), method='exact').pvalue
        assert procedures.wilcoxon_on_seeds(a, b)[i] == pytest.approx(on_seeds)
        assert procedures.welch(a, b).pvalue[i] == pytest.approx(
            stats.ttest_ind(a[i].mean(axis=1), b[i].mean(axis=1), equal_var=False).pvalue)
    assert procedures.wilcoxon_on_seeds(a, a).tolist() == [1.0] * 4


def test_stratified_draws_are_runs_within_images():
    weights = procedures.stratified_weights(np.random.default_rng(6), 4000, 3, 5).reshape(4000, 5, 3)
    assert weights.sum(axis=2) == pytest.approx(1 / 5)  # Every image keeps its weight, in every draw.
    counts = weights * 15
    assert np.allclose(counts, counts.round(), atol=1e-5) and counts.max() == pytest.approx(3)
    assert counts.mean(axis=0) == pytest.approx(np.ones((5, 3)), abs=0.06)
    assert np.corrcoef(counts[:, 0, 0], counts[:, 1, 0])[0, 1] == pytest.approx(0, abs=0.06)
    a, b = np.random.default_rng(7).normal(size=(2, 2, 3, 40))
    runs = [procedures.stratified_weights(np.random.default_rng(seed), 4000, 3, 40) for seed in (8, 9)]
    low, high = procedures.stratified_interval(a, b, runs, [0.025, 0.975])
    sd = np.sqrt((a.var(axis=1).sum(axis=1) + b.var(axis=1).sum(axis=1)) / 3) / 40
    assert high - low == pytest.approx(2 * 1.96 * sd, rel=0.06)
    assert (low + high) / 2 == pytest.approx((a - b).mean(axis=(1, 2)), abs=0.02)
    point = procedures.stratified_interval(a[:, :1], b[:, :1], runs, [0.025, 0.975])
    assert (point[0] == point[1]).all()


def test_a_rate_outside_is_named():
    cell, tally = Cell('normal', 'nested', 0.02, 3, 50), Tally()
    tally.rejects('procedure', procedures.CROSSED, 'ME', np.array([0.01] * 8 + [0.5] * 90 + [np.nan] * 2))
    tally.covers('procedure', procedures.CROSSED, 'FR', (np.array([np.nan, -1, -1]), np.array([np.nan, 1, -0.5])), 0.0)
    first, second = tally.rows(cell)
    assert first['rate'] == 0.08 and not first['inside'] and first['ours'] and first['replications'] == 100
    assert first['se'] == pytest.approx(np.sqrt(0.08 * 0.92 / 100))
    assert second['rate'] == 0.5 and second['without_result'] == 1
    every = tables.Rows([first, second])
    assert 'nested normal 50 0.02: .080' in tables.outside_table(every)
    assert '**.080**' in tables.crossed_table(every)


@pytest.mark.slow
def test_quick_has_all_columns_and_does_not_depend_on_the_workers(tmp_path):
    def options(name):
        return ['--quick', '--json', tmp_path / name, '--markdown', tmp_path / f'{name}.md']

    def written(name):
        return (tmp_path / name).read_bytes() + (tmp_path / f'{name}.md').read_bytes()

    done = subprocess.run([sys.executable, TOOL, *options('two'), '--workers', '2'], capture_output=True, text=True,
                          timeout=100)
    assert done.returncode == 0, done.stderr
    assert tool.main([*map(str, options('one'))]) == 0
    assert written('one') == written('two')
    rows = json.loads((tmp_path / 'one').read_text())['rows']
    ours = {(row['scope'], row['test']) for row in rows if row['ours'] and row['study'] in ('type I', 'coverage')}
    tests = procedures
    assert ours == {
        ('procedure', tests.CROSSED), ('procedure', tests.BOOTSTRAP), ('procedure', tests.MEAN_T),
        ('procedure', tests.BETTER), ('networks', tests.BETTER), ('networks', tests.PAIRED_T),
        ('networks', tests.MEAN_T), ('networks', tests.WILCOXON), ('networks', tests.FLIP), ('networks', tests.WALSH)}
    assert {row['test'] for row in rows if not row['ours'] and not row['study'].startswith(('folds', 'data sets'))} == {
        *tests.OTHERS, tests.MISDECLARED, tests.PAIRED_T, few.TWO_PARTS, looks.NAIVE}
    assert {row['study'] for row in rows} > {*BOUNDS, 'power', 'families at one look', 'error over all looks'}
    # With one seed nothing is claimed about procedures by ours.
    assert not [row for row in rows if row['seeds'] == 1 and row['scope'] == 'procedure' and row['ours']]
    text = (tmp_path / 'one.md').read_text()
    for title in tables.TABLES:
        if 'ells' in title and f'## {title}' not in text:
            continue  # Nothing is outside.
        header, rule, *lines = text.split(f'## {title}\n\n')[1].split('\n\n')[0].splitlines()
        assert lines and all(line.count('|') == header.count('|') for line in (rule, *lines)), title
    assert 'pooled Wilcoxon | averaged Wilcoxon | paired t on images | stratified bootstrap | Welch | ' \
        'Wilcoxon on seeds | crossed bootstrap | **crossed t** |' in text


def test_the_seed_decides():
    task = [('many', Cell('normal', 'nested', 0.02, 3, 50))]
    efforts = (Effort(seed=seed, replications=50, others=5) for seed in (3, 3, 4))
    first, again, other = (simulate(task, effort) for effort in efforts)
    assert first == again != other


def test_bad_options():
    with pytest.raises(SystemExit) as raised:
        tool.main(['--workers', '0'])
    assert raised.value.code == 2
