"""Means of methods over data sets: the number and its interval by hand, what it covers, and what units change."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

from benchmark.statistics.across.contrasts import DIFFERENCE, RATIO, DataSet
from benchmark.statistics.across.means import over_data_sets
from benchmark.statistics.crossed import Block


def data_sets(*several):
    """Data sets of method -> errors, seeds x images."""
    def one(values):
        scores = SimpleNamespace(primary='ME', block=lambda endpoint, method: Block(np.asarray(values[method], float)))
        return DataSet(scores, {'alpha': 0.05})

    return {f'set {place}': one(values) for place, values in enumerate(several)}


def test_the_mean_and_its_interval_are_those_by_hand():
    first, second = [[1.0, 2.0, 3.0, 6.0]], [[10.0, 12.0, 11.0]]
    found = over_data_sets(data_sets({'a': first, 'b': first}, {'a': second, 'b': first}), ['a', 'b'], DIFFERENCE, 'b')
    assert (found['kind'], found['base'], found['drawn'], found['endpoint']) == ('mean', None, ['images'], 'ME')
    # Means 3 and 11; variances of the means 14 / 3 / 4 and 1 / 3, with 3 and 2 degrees of freedom.
    v = 14 / 12, 1 / 3
    se, df = math.sqrt(sum(v)) / 2, sum(v)**2 / (v[0]**2 / 3 + v[1]**2 / 2)
    half = stats.t.ppf(0.975, df) * se
    own = found['methods']['a']
    assert own['mean'] == 7 and [own['ci_low'], own['ci_high']] == pytest.approx([7 - half, 7 + half], rel=1e-9)


def test_a_single_run_is_not_random_though_seeds_are_elsewhere():
    once, twice = [[1.0, 2.0, 3.0, 6.0]], [[1.0, 2.0, 4.0], [2.0, 2.0, 5.0]]
    several = data_sets({'a': twice, 'b': twice}, {'a': once, 'b': once}, {'a': twice, 'b': twice[:1]})
    found = over_data_sets(several, ['a', 'b'], DIFFERENCE, 'a')
    assert found['drawn'] == ['images', 'seeds']
    assert found['single_run'] == {'set 1': ['a', 'b'], 'set 2': ['b']}
    for own in ({'a': once}, {'a': twice}):
        assert over_data_sets(data_sets(own, own), ['a'], DIFFERENCE, 'a')['single_run'] == {}


def test_the_difference_of_two_means_is_the_mean_of_the_differences():
    rng = np.random.default_rng(0)
    several = [{name: rng.gamma(3, size, (2, 6)) for name in 'ab'} for size in (1, 5, 0.2)]
    found = over_data_sets(data_sets(*several), ['a', 'b'], DIFFERENCE, 'a')['methods']
    differences = [one['a'].mean() - one['b'].mean() for one in several]
    assert found['a']['mean'] - found['b']['mean'] == pytest.approx(np.mean(differences))


def test_without_a_variance_there_is_no_interval():
    found = over_data_sets(data_sets({'a': [[1.0, 2.0]]}, {'a': [[3.0]]}), ['a'], DIFFERENCE, 'a')['methods']['a']
    assert found['mean'] == 2.25 and math.isnan(found['ci_low'])


def test_of_ratios_units_change_nothing():
    rng = np.random.default_rng(1)
    several = [{name: rng.gamma(3, 1, (2, 6)) for name in 'abc'} for _ in range(3)]
    found = over_data_sets(data_sets(*several), [*'abc'], RATIO, 'b')
    assert (found['kind'], found['base'], found['drawn']) == ('relative', 'b', [])
    ratio = np.prod([one['a'].mean() / one['b'].mean() for one in several]) ** (1 / 3)
    assert found['methods']['a']['mean'] == pytest.approx(ratio - 1)
    assert found['methods']['b'] == {'mean': 0.0, 'ci_low': None, 'ci_high': None}
    other = [{name: values * scale for name, values in one.items()} for one, scale in zip(several, (1, 25.4, 0.01),
                                                                                      strict=True)]
    again = over_data_sets(data_sets(*other), [*'abc'], RATIO, 'b')
    assert again['methods']['c']['mean'] == pytest.approx(found['methods']['c']['mean'])
    several[1]['c'] -= 100
    lost = over_data_sets(data_sets(*several), [*'abc'], RATIO, 'b')['methods']
    assert math.isnan(lost['c']['mean']) and lost['a'] == found['methods']['a']


@pytest.mark.parametrize('seeds', [1, 4])
def test_the_interval_covers_the_mean_over_these_data_sets(seeds):
    rng, truth, hits, times = np.random.default_rng(2), np.array([1.0, 3.0, 8.0]), 0, 400
    for _ in range(times):
        several = [{'a': true + true * 0.3 * rng.normal(size=20) + true * 0.1 * rng.normal(size=(seeds, 1))
                    * (seeds > 1) + 0.1 * rng.normal(size=(seeds, 20))} for true in truth]
        own = over_data_sets(data_sets(*several), ['a'], DIFFERENCE, 'a')['methods']['a']
        hits += own['ci_low'] < truth.mean() < own['ci_high']
    assert 0.92 < hits / times < 0.99
