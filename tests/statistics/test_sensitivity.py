"""Analyses that were not declared: their numbers by hand, and which of them read otherwise."""

import math

import numpy as np
from handmade import analyzed, gamma, row, same
from scipy import stats

from benchmark.statistics import auc_scores, crossed_contrast, failures


def test_rows_that_read_otherwise_are_flips():
    # One good seed, two bad ones: seeds decide nothing, images everything.
    common = np.random.default_rng(0).uniform(0.8, 1.2, 30)
    rng = np.random.default_rng(1)
    a, b = (common + np.array([[0.0], [0.3], [-0.25]]) * sign + shift + rng.normal(0, 0.01, (3, 30))
            for sign, shift in ((1, 0.0), (-1, 0.1)))
    content = analyzed({'a': a, 'b': b}, proposed='a')
    table = content['sensitivity'][0]
    assert table['headlines']['ME']['reading'] == 'undecided'
    for name in ('paired t on seed-averaged images', 'Wilcoxon on seed-averaged images',
                 'sign-flip permutation of images'):
        assert (row(content, name)['reading'], row(content, name)['flip']) == ('a better', True)
    assert row(content, 'Welch t on seed means')['flip'] is False
    readings = [one for one in table['rows'] if one['reading'] is not None]
    assert table['read'] == len(readings)
    assert table['flips'] == sum(
        one['reading'] != table['headlines'][one['endpoint']]['reading'] for one in readings
        if table['headlines'][one['endpoint']]['reading'] is not None)


def test_sensitivity_rows_by_hand():
    errors = {'a': gamma(1, 4), 'b': 0.6 + 0.7 * gamma(2, 4) + 0.5 * np.sin(np.arange(20))}
    content = analyzed(errors, proposed='a', threshold=1.0, margin={'ME': 0.05})
    a, b = errors['a'], errors['b']

    def shown(analysis, estimate):
        found = row(content, analysis)
        same([found[key] for key in ('estimate', 'p', 'ci_low', 'ci_high')],
             [float(estimate.estimate), float(estimate.p), *map(float, estimate.interval(0.95))])

    shown('log ME', crossed_contrast(np.log(a), np.log(b)))
    middle = np.argsort((a + b).mean(axis=0))[1:-1]
    assert set(middle) != set(np.argsort(a.mean(axis=0))[1:-1])
    shown('trimmed ME', crossed_contrast(a[:, middle], b[:, middle]))
    shown('paired instead of nested', crossed_contrast(a, b, 'paired'))
    difference = (a - b).mean(axis=0)
    rest = np.delete(np.arange(20), np.abs(difference - difference.mean()).argmax())
    shown('without the most influential image', crossed_contrast(a[:, rest], b[:, rest]))
    for factor in (0.8, 1.0, 1.2, 1.4, 1.6):
        shown(f'FR at {factor:g} t', crossed_contrast(failures(a, factor), failures(b, factor)))
        shown(f'AUC at {factor:g} t', crossed_contrast(auc_scores(a, factor), auc_scores(b, factor)))
    left = [crossed_contrast(np.delete(a, k, 0), b) for k in range(4)]
    left += [crossed_contrast(a, np.delete(b, k, 0)) for k in range(4)]
    assert content['sensitivity'][0]['headlines']['ME']['reading'] == 'a better'
    shown('leave one seed out', max(left, key=lambda one: float(one.p)))
    tests = []
    for one, two in zip(failures(a, 1.0), failures(b, 1.0), strict=True):
        only = int((one > two).sum()), int((two > one).sum())
        tests.append(stats.binomtest(only[0], sum(only)).pvalue if sum(only) else 1.0)
    same(row(content, 'exact McNemar per seed')['p'], np.median(tests))
    assert f'{sum(p < 0.05 for p in tests)} of 4 pairs' in row(content, 'exact McNemar per seed')['note']
    # Two methods: the rank difference of Nemenyi's test is that of the sign test, with a normal distribution.
    better = (difference < 0).mean()
    found = row(content, 'Nemenyi on mean ranks')
    same([found['estimate'], found['p']],
         [1 - 2 * better, 2 * stats.norm.sf(abs(1 - 2 * better) * math.sqrt(20))])
    assert row(content, 'Bayesian signed-rank with ROPE')['reading'] in ('a better', 'undecided')


def test_pairs_whose_names_have_commas_are_told_apart():
    content = analyzed({'a': gamma(1, 3), 'b, c': gamma(2, 3), 'a, b': gamma(3, 3) + 5, 'c': gamma(4, 3)},
                       pairs=[['a', 'b, c'], ['a, b', 'c']])
    for place in range(2):
        found = row(content, 'crossed bootstrap', place)
        assert found['ci_low'] < found['estimate'] < found['ci_high']
