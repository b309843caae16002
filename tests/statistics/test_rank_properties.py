"""What must hold of ranks and tests of ranks, for any data."""

import math

import numpy as np
import pytest
from drawn import frame, quick, same, tables
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from benchmark.statistics import analyze, hodges_lehmann, rank_summary, signed_rank, validate
from benchmark.statistics.image_tests import bayesian_signed_rank
from benchmark.statistics.ranking import _scheme_scores, _weighted_median, tied_ranks


@quick
@given(tables(methods=3), st.integers(0, 99))
def test_the_order_of_images_and_methods_changes_no_rank_test(errors, seed):
    rng = np.random.default_rng(seed)
    scores = np.stack([values[0] for values in errors], axis=1)
    images, methods = rng.permutation(len(scores)), rng.permutation(3)
    found, other = rank_summary(scores), rank_summary(scores[images][:, methods])
    same(other.mean_ranks, np.array(found.mean_ranks)[methods])
    same([other.chi2, other.chi2_p, other.f, other.f_p, other.kendall_w, other.critical_difference],
         [found.chi2, found.chi2_p, found.f, found.f_p, found.kendall_w, found.critical_difference], 1e-9)
    difference = scores[:, 0] - scores[:, 1]
    assert repr(signed_rank(difference[images])) == repr(signed_rank(difference))


def test_the_same_networks_in_another_order_are_tied_in_rank_tests():
    rows = np.array([[0.1], [0.2], [0.3]]) * np.ones(12)
    content = analyze(validate(frame({'a': rows, 'b': rows[::-1]})), draws=100, proposed='a')
    assert content['ranking']['friedman']['mean_ranks'] == {'a': 1.5, 'b': 1.5}
    assert {row['reading'] for row in content['sensitivity'][0]['rows']} <= {None, 'undecided'}


@quick
@given(st.integers(1, 70), st.booleans(), st.integers(0, 2**32 - 1), st.sampled_from([0.9, 0.95, 0.99]))
def test_hodges_lehmann_is_the_median_of_all_walsh_averages(n, coarse, seed, level):
    rng = np.random.default_rng(seed)
    values = rng.integers(-4, 5, n) / 4 if coarse else rng.normal(0.2, 1, n)
    walsh = np.sort([(values[i] + values[j]) / 2 for i in range(n) for j in range(i, n)])
    low, middle, high, coverage = hodges_lehmann(values, level)
    same(middle, np.median(walsh))
    assert low <= middle <= high
    if n > 50:
        spread = math.sqrt(n * (n + 1) * (2 * n + 1) / 24)
        place = math.floor(n * (n + 1) / 4 - stats.norm.isf((1 - level) / 2) * spread)
        assert coverage == level
    else:
        # The largest C with P(W+ < C) <= (1 - level) / 2, from the distribution of all sums of ranks.
        masses = np.ones(1)
        for rank in range(1, n + 1):
            masses = np.convolve(masses, np.r_[0.5, np.zeros(rank - 1), 0.5])
        below = np.cumsum(masses)
        place = int((below <= (1 - level) / 2 * (1 + 1e-12)).sum())
        assert coverage == pytest.approx(1 - 2 * below[place - 1] if place else 1)
    if place:
        same([low, high], [walsh[place - 1], walsh[-place]])
    else:
        assert (low, high) == (-math.inf, math.inf)


@quick
@given(tables(methods=1, most_seeds=1))
def test_signed_rank_turns_with_the_sign_and_not_with_the_unit(errors):
    difference = errors[0][0] - 1
    found, turned, scaled = signed_rank(difference), signed_rank(-difference), signed_rank(difference * 1000)
    same([turned.p, turned.rank_biserial, turned.pseudomedian, turned.low, turned.high],
         [found.p, -found.rank_biserial, -found.pseudomedian, -found.high, -found.low])
    same([scaled.p, scaled.rank_biserial, scaled.low / 1000], [found.p, found.rank_biserial, found.low], 1e-11)
    assert math.isnan(found.p) == (found.n == 0) == bool(np.all(difference == 0))


def resampled(draw, n, size):
    """Counts of a bootstrap draw of n items, and the items themselves."""
    drawn = np.array(draw(st.lists(st.integers(0, n - 1), min_size=size, max_size=size)))
    return np.bincount(drawn, minlength=n), np.sort(drawn)


@quick
@given(tables(methods=3, least_images=3), st.data())
def test_ranking_schemes_by_weights_are_those_of_resampled_copies(errors, data):
    values = np.stack([table.mean(axis=0) for table in errors])
    n = values.shape[1]
    counts, drawn = resampled(data.draw, n, n)
    copies = values[:, drawn]
    same(_weighted_median(values[None], counts[None] / n)[0], np.median(copies, axis=1))
    found = {name: one for name, (one,) in _scheme_scores(values[None], counts[None] / n, 0.05).items()}
    ranks = stats.rankdata(copies, axis=0)
    same(found['mean then rank'], copies.mean(axis=1))
    same(found['median then rank'], np.median(copies, axis=1))
    same(found['rank then mean'], ranks.mean(axis=1))
    same(found['rank then median'], np.median(ranks, axis=1))
    wins = np.zeros(3)
    for a in range(3):
        for b in range(3):
            difference = copies[a] - copies[b]
            if np.ptp(difference) > 1e-9:
                test = stats.ttest_1samp(difference, 0)
                assume(abs(test.pvalue - 0.05) > 1e-9)
                wins[a] += test.pvalue < 0.05 and test.statistic < 0
            else:
                assume(abs(difference[0]) < 1e-12)
    same(found['test based'], -wins)


@quick
@given(hnp.arrays(np.float64, st.tuples(st.integers(1, 4), st.integers(1, 6)),
                  elements=st.integers(0, 5).map(lambda k: k / 2)), st.integers(0, 99))
def test_tied_ranks_are_average_ranks_and_rounding_ties(means, seed):
    noise = np.random.default_rng(seed).uniform(-1e-14, 1e-14, means.shape)
    assert tied_ranks(means + noise).tolist() == stats.rankdata(means, axis=1).tolist()


def test_ties_end_at_1e_12():
    assert tied_ranks(np.array([[1.0, 1.0 + 1e-13, 2.0, 2.0 + 1e-9]])).tolist() == [[1.5, 1.5, 3, 4]]


@quick
@given(st.integers(2, 12), st.integers(0, 99), st.sampled_from([0.0, 0.25, 1.0]))
def test_the_bayesian_signed_rank_test_weighs_all_walsh_averages(n, seed, rope):
    rng = np.random.default_rng(seed)
    values = rng.integers(-4, 5, n) / 4
    every = np.append(0.0, values)
    averages = (every[:, None] + every) / 2
    weights = np.random.default_rng(seed).dirichlet(np.ones(n + 1), size=50)
    below = np.einsum('bi,ij,bj->b', weights, averages < -rope, weights)
    above = np.einsum('bi,ij,bj->b', weights, averages > rope, weights)
    winner = np.stack([below, 1 - below - above, above]).argmax(axis=0)
    assert bayesian_signed_rank(values, rope, 50, np.random.default_rng(seed)) == tuple(
        float((winner == place).mean()) for place in range(3))
