"""Failure rates of none and of all: bounds, and what is not estimable."""

import numpy as np
import pytest
from handmade import analyzed, frame, gamma, planned, row, same
from scipy import stats


def test_without_failures_the_failure_rate_is_not_estimable_and_bounded():
    errors = {'a': gamma(1), 'b': gamma(2)}
    content = analyzed(errors, proposed='a', threshold=50.0, alpha=0.1)
    for scope in ('procedure', 'networks'):
        one = planned(content, 'FR', scope)['a', 'b']
        assert one['verdict'] == 'not estimable' and one['estimate'] == 0 and one['se'] is None and one['p'] is None
        assert 'there is no variance to judge by' in one['reason']
        same(one['bound'], 1 - 0.1 ** (1 / 20))
    block = content['methods']['a']['endpoints']['FR']
    assert (block['mean'], block['seed_sd'], block['ci_low']) == (0, 0, None)
    same(block['bound'], 1 - 0.1 ** (1 / 20))
    assert not [one for one in content['planning'] if one['endpoint'] == 'FR']
    assert content['sensitivity'][0]['headlines']['FR']['reading'] is None
    assert row(content, 'exact McNemar per seed')['reason'] == 'no image fails in one method only'
    # The bound is what the binomial distribution says: with it, no failure has a probability of alpha.
    assert stats.binom.pmf(0, 20, block['bound']) == pytest.approx(0.1)


def test_where_all_fail_the_failure_rate_is_bounded_from_below():
    content = analyzed({'a': gamma(1) + 1, 'b': gamma(2) + 1}, proposed='a', threshold=0.5)
    block = content['methods']['a']['endpoints']['FR']
    same([block['mean'], block['bound']], [1, 0.05 ** (1 / 20)])
    same(content['methods']['a']['endpoints']['AUC']['bound'], 1 - 0.05 ** (1 / 20))


def test_where_one_method_fails_everywhere_there_is_no_bound_of_the_difference():
    content = analyzed({'a': gamma(1) + 3, 'b': gamma(2) / 100}, proposed='a', threshold=1.0)
    one = planned(content, 'FR')['a', 'b']
    assert (one['estimate'], one['verdict'], one['bound']) == (1, 'not estimable', None)


def test_mcnemar_where_one_method_fails_everywhere_does_not_claim_that_no_image_differs():
    content = analyzed({'a': gamma(1) + 3, 'b': gamma(2) / 100}, proposed='a', threshold=1.0)
    found = row(content, 'exact McNemar per seed')
    assert found['reason'] != 'no image fails in one method only'


def test_discordant_failures_are_counted_over_pairs_of_networks():
    a = np.array([[2, 0, 0, 2, 0, 0.0], [2, 2, 0, 0, 0, 0]])
    b = np.array([[0, 0, 0, 2, 2, 2.0], [0, 0, 2, 2, 2, 0], [0, 0, 0, 2, 0, 0]])
    content = analyzed({'a': a, 'b': b}, proposed='a', threshold=1.0)
    pairs = [(one > 1, two > 1) for one in a for two in b]
    effect = next(one for one in content['effects'] if one['endpoint'] == 'FR')
    same(effect['discordant'], {'only_a': np.mean([(one & ~two).sum() for one, two in pairs]),
                                'only_b': np.mean([(two & ~one).sum() for one, two in pairs])})
    same(effect['difference'], (effect['discordant']['only_a'] - effect['discordant']['only_b']) / 6)


def test_discordant_failures_of_subjects_are_shares_of_their_images():
    # One network each, two images of either subject: a fails on the first image of one, b on the second.
    a, b = np.array([[2, 0, 0, 0.0]]), np.array([[0, 2, 0, 0.0]])
    content = analyzed(frame({'a': a, 'b': b}, subject=['p', 'p', 'q', 'q']), proposed='a', threshold=1.0)
    effect = next(one for one in content['effects'] if one['endpoint'] == 'FR')
    same(effect['discordant'], {'only_a': 0.5, 'only_b': 0.5})
