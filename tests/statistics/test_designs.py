"""Nested and paired seeds, and how few are enough."""

import math

import numpy as np
import pytest
from handmade import analyzed, frame, gamma, numbers, numbers_of, planned, row, same
from scipy import stats

from benchmark.statistics import TableError, crossed_contrast, fixed_seeds_contrast, signed_rank


@pytest.mark.parametrize('spread', [0.2, 0.0])
def test_a_nested_design_takes_unequal_numbers_of_seeds(spread):
    a, b = gamma(1, 5), gamma(2, 3, shift=0.2) + spread * np.array([[1.0], [0.0], [-1.0]])
    content = analyzed({'a': a, 'b': b}, proposed='a')
    one = planned(content)['a', 'b']
    assert one['n_seeds'] == [5, 3]
    n = a.shape[1]
    difference = a.mean(axis=0) - b.mean(axis=0)
    images = difference.var(ddof=1) / n
    seeds, weight = 0, images**2 / (n - 1)
    for values in (a, b):
        s = len(values)
        between = n * values.mean(axis=1).var(ddof=1)
        rest = values - values.mean(axis=1, keepdims=True) - values.mean(axis=0) + values.mean()
        within = (rest**2).sum() / ((s - 1) * (n - 1))
        # Without the spread b's seeds differ less than chance lets them; that is not cut off.
        assert (between > within) == (values is a or spread > 0)
        images -= within / (n * s)
        seeds += between / (n * s)
        weight += (between / (n * s)) ** 2 / (s - 1) + (within / (n * s)) ** 2 / ((s - 1) * (n - 1))
    variance = max(0, images) + seeds
    same([one['estimate'], one['se'], one['df']], [difference.mean(), math.sqrt(variance), variance**2 / weight])
    assert content['planning'][0]['n_seeds'] == 3
    assert '5 and 3 seeds' in content['statements'][0]['text']


PARTLY = {'a': [0, 1, 2, 3], 'b': [7, 1, 2, 3]}


def test_a_paired_design_uses_the_seeds_in_common_and_says_so():
    errors = {'a': gamma(1, 4), 'b': gamma(2, 4), 'c': gamma(3, 4)}
    content = analyzed(frame(errors, seeds={**PARTLY, 'c': PARTLY['a']}), proposed='a', design='paired')
    one = planned(content)['a', 'b']
    # By number of the seed: 1, 2 and 3 are the last three of both.
    same(numbers_of(one), numbers(crossed_contrast(errors['a'][1:], errors['b'][1:], 'paired')))
    assert one['n_seeds'] == [3, 3] and planned(content)['a', 'c']['n_seeds'] == [4, 4]
    same(numbers_of(planned(content, scope='networks')['a', 'b']),
         numbers(fixed_seeds_contrast(errors['a'][1:], errors['b'][1:])))
    same(row(content, 'FR at 1 t')['estimate'], planned(content, 'FR')['a', 'b']['estimate'])
    note, = (note for note in content['notes'] if 'Paired design' in note)
    assert 'a lacks 7' in note and 'b lacks 0' in note and 'c lacks 7' in note


def test_a_paired_design_goes_by_the_number_of_the_seed():
    errors = {'a': gamma(1, 3), 'b': gamma(2, 3)}
    content = analyzed(frame(errors, seeds={'a': [0, 1, 2], 'b': [2, 0, 1]}), proposed='a', design='paired')
    same(numbers_of(planned(content)['a', 'b']),
         numbers(crossed_contrast(errors['a'], errors['b'][[1, 2, 0]], 'paired')))
    assert not any('Paired' in note for note in content['notes'])


def test_a_paired_design_without_a_common_seed_is_refused():
    table = frame({'a': gamma(1), 'b': gamma(2)}, seeds={'b': [3, 4, 5]})
    with pytest.raises(TableError, match=r'design paired: a \(seeds 0, 1, 2\) and b \(seeds 3, 4, 5\) have no seed'):
        analyzed(table, design='paired')
    assert analyzed(table, design='nested')['design'] == 'nested'


def test_the_bootstrap_of_a_paired_contrast_is_of_the_seeds_in_common():
    errors = {'a': gamma(1, 3), 'b': np.concatenate([gamma(2, 3), gamma(3, 17, shift=5)])}
    content = analyzed(errors, proposed='a', design='paired')
    found = row(content, 'crossed bootstrap')
    assert found['ci_low'] < found['estimate'] < found['ci_high']


@pytest.mark.parametrize(('seeds', 'least'), [(2, 0.5), (5, 0.0625)])
def test_a_signed_rank_test_of_few_seeds_is_refused_with_its_least_p(seeds, least):
    content = analyzed({'a': gamma(1, seeds), 'b': gamma(2, seeds)}, proposed='a', design='paired')
    found = row(content, 'Wilcoxon on seed means')
    assert found['p'] is None and found['reading'] is None and found['flip'] is None
    assert f'with {seeds} seeds p is at least {least:g}: it can\'t reject' in found['reason']
    # No data reach a smaller p.
    assert signed_rank(np.arange(1.0, seeds + 1)).p == least


@pytest.mark.parametrize('design', ['paired', 'nested'])
def test_a_signed_rank_test_of_six_seeds_is_made(design):
    errors = {'a': gamma(1, 6), 'b': gamma(2, 6, shift=1)}
    found = row(analyzed(errors, proposed='a', design=design), 'Wilcoxon on seed means')
    means = [values.mean(axis=1) for values in errors.values()]
    expected = stats.wilcoxon(*means) if design == 'paired' else stats.mannwhitneyu(*means)
    assert found['reading'] == 'a better' and found['reason'] is None
    same(found['p'], expected.pvalue)
