"""Averaged networks in ``analysis.json``: by hand, where they are plain means, and what is left out with a reason."""

import hashlib
import itertools
import json

import jsonschema
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from benchmark.statistics import SCHEMA, analyze, validate
from benchmark.statistics.averaging import FILE, OLDER, TABLE, WHOLE, pseudo_values, read_ensembles
from benchmark.statistics.crossed import crossed_contrast, crossed_mean

METHODS, IMAGES, LANDMARKS = 'ab', [f'i{number}' for number in range(6)], ['k0', 'k1']
KEYS = ['method', 'condition', 'seed', 'image', 'landmark']


def errors(seeds, rng=None):
    """Errors (methods, seeds, images, landmarks)."""
    return (rng or np.random.default_rng(3)).uniform(0.2, 2, (len(METHODS), seeds, len(IMAGES), len(LANDMARKS)))


def table(values, first=0):
    """Rows of errors, whose second axis are seeds from ``first`` on."""
    rows = [(METHODS[m], 'all', s + first, IMAGES[i], LANDMARKS[k], values[m, s, i, k])
            for m, s, i, k in itertools.product(*map(range, values.shape))]
    return pd.DataFrame(rows, columns=[*KEYS, 'error'])


def suite(seeds):
    """Plan, records and what says which networks were averaged."""
    runs = [{'id': f'{m}/{s}', 'method': m, 'condition': 'all', 'seed': s} for m in METHODS for s in range(seeds)]
    plan = {'runs': runs, 'conditions': [{'name': 'all'}], 'analysis': {'unit': 'heatmap px', 'proposed': 'a'}}
    groups = [{'method': m, 'condition': 'all', 'seeds': [*range(seeds)],
               'predictions': [f'{m}/{s} digest' for s in range(seeds)]} for m in METHODS]
    records = [run | {'state': 'done', 'result_sha256': f'{run["id"]} digest'} for run in runs]
    return plan, records, {'ensembles': groups, 'left_out': []}


def analysed(single, together, change=lambda plan, records, said: None, **columns):
    """The block; ``together`` has the ensemble of all first, and then those without one seed."""
    plan, records, said = suite(single.shape[1])
    said['table'] = table(together, WHOLE).rename(columns={'seed': 'left_out'})
    change(plan, records, said)
    content = analyze(validate(table(single).assign(**columns)), plan, records, ensembles=said, draws=100)
    jsonschema.validate(content, json.loads(SCHEMA.read_text()))
    return content['averaging']


def test_by_hand():
    single, together = errors(3), errors(4, np.random.default_rng(8)) / 2
    block = analysed(single, together)
    y, e, out = single[0].mean(-1), together[0, 0].mean(-1), together[0, 1:].mean(-1)
    one = block['methods']['a']
    assert (one['n_seeds'], one['single'], one['ensemble']) == (3, pytest.approx(y.mean()), pytest.approx(e.mean()))
    assert one['failures_single'] == pytest.approx((y > 1.2).mean())
    assert one['failures'] == pytest.approx((e > 1.2).mean())
    gain = e - y.mean(0)
    assert one['gain']['estimate'] == pytest.approx(gain.mean())
    assert [*one['gain']['networks'].values()] == pytest.approx(stats.ttest_1samp(gain, 0).confidence_interval(0.95))
    q = e - 2 * (out - out.mean(0))
    low, high = crossed_mean(q - y).interval(0.95)
    assert [*one['gain']['procedure'].values()] == pytest.approx([float(low), float(high)])
    pair, = block['contrasts']
    other, without = together[1, 0].mean(-1), together[1, 1:].mean(-1)
    assert (pair['a'], pair['b']) == ('a', 'b') and pair['estimate'] == pytest.approx((e - other).mean())
    assert pair['single'] == pytest.approx(single[0].mean() - single[1].mean())
    assert [*pair['networks'].values()] == pytest.approx(stats.ttest_rel(e, other).confidence_interval(0.95))
    ends = crossed_contrast(q, other - 2 * (without - without.mean(0))).interval(0.95)
    assert [*pair['procedure'].values()] == pytest.approx([*map(float, ends)])


def test_pseudo_values_have_the_jackknifes_variance():
    rng = np.random.default_rng(1)
    whole, without = rng.normal(size=7), rng.normal(size=(5, 7))
    q = pseudo_values(whole, without)
    assert q.mean(0) == pytest.approx(whole)
    left_out = without.mean(1)
    assert q.mean(1).var(ddof=1) / 5 == pytest.approx(4 / 5 * ((left_out - left_out.mean()) ** 2).sum())


def test_where_errors_are_averaged_too_an_ensemble_is_its_mean_network():
    single = errors(3)
    together = np.stack([single.mean(1), *(np.delete(single, seed, 1).mean(1) for seed in range(3))], 1)
    block, values = analysed(single, together), single.mean(-1)
    assert block['methods']['a']['gain']['estimate'] == pytest.approx(0, abs=1e-12)
    ends = crossed_contrast(values[0], values[1]).interval(0.95)
    assert [*block['contrasts'][0]['procedure'].values()] == pytest.approx([*map(float, ends)])


def test_two_seeds_say_nothing_of_other_seeds():
    block = analysed(errors(2), errors(3))
    assert block['methods']['a']['gain']['procedure'] is block['contrasts'][0]['procedure'] is None
    assert block['methods']['a']['gain']['networks']


def test_a_subject_counts_once():
    subjects = [f's{number // 2}' for _ in range(6) for number in range(6) for _ in LANDMARKS]
    single, together = errors(3), errors(4)
    block = analysed(single, together, subject=subjects)
    gain = (together[0, 0] - single[0].mean(0)).mean(-1).reshape(3, 2).mean(1)
    assert block['n_units'] == 3
    assert [*block['methods']['a']['gain']['networks'].values()] == pytest.approx(
        stats.ttest_1samp(gain, 0).confidence_interval(0.95))


def test_reasons():
    def another_run(plan, records, said):
        records[0]['result_sha256'] = 'other'

    def a_row_lost(plan, records, said):
        said['table'] = said['table'].drop(index=5)

    def told(plan, records, said):
        said['ensembles'].pop(0)
        said['left_out'].append({'method': 'a', 'condition': 'all', 'reason': 'no heatmaps'})

    for change, reason in ((another_run, OLDER), (a_row_lost, 'some of its predictions are missing'),
                           (told, 'no heatmaps')):
        block = analysed(errors(3), errors(4), change)
        assert [*block['methods']] == ['b'] and block['reasons'] == {'a': reason} and block['contrasts'] == []
    assert analyze(validate(table(errors(3))), *suite(3)[:2], draws=100)['averaging'] is None


def test_landmarks_that_nobody_learnt_are_left_out_here_too():
    single, together = errors(3), errors(4)
    block = analysed(single, together, trained=[name != 'k1' for _ in range(36) for name in LANDMARKS])
    assert block['methods']['a']['ensemble'] == pytest.approx(together[0, 0, :, 0].mean())
    assert block['methods']['a']['single'] == pytest.approx(single[0, ..., 0].mean())


def test_a_table_that_is_not_the_one_that_is_named_is_none(tmp_path):
    assert read_ensembles(tmp_path) is None
    table(errors(2)).to_parquet(tmp_path / TABLE)
    digest = hashlib.sha256((tmp_path / TABLE).read_bytes()).hexdigest()
    (tmp_path / FILE).write_text(json.dumps({'ensembles': [], 'left_out': [], 'table_sha256': digest}))
    assert len(read_ensembles(tmp_path)['table']) == 48
    table(errors(3)).to_parquet(tmp_path / TABLE)
    assert read_ensembles(tmp_path) is None


def test_simulated_intervals_hold(capsys):
    from benchmark.validation.averaged import main
    main(['--repeats', '40', '--seeds', '3'])
    lines = [[cell.strip() for cell in line.strip('|\n').split('|')] for line in capsys.readouterr().out.splitlines()]
    assert [line[0] for line in lines[2:]] == ['alike', 'shifted', 'gross errors', 'unequal quality']
    # 40 experiments: 0.85 is three standard errors below 0.95. The interval of these networks is none for other seeds.
    assert all(float(line[2]) >= 0.85 and float(line[5]) <= 0.15 for line in lines[2:])
    assert float(lines[3][4]) < 0.85
