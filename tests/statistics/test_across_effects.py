"""Equations of several data sets: beside published numbers, by hand, and what must not change them."""

import numpy as np
import pytest
from scipy import optimize, stats

from benchmark.statistics import crossed_contrast
from benchmark.statistics.across.contrasts import combined, ratio
from benchmark.statistics.across.effects import (
    heterogeneity,
    over_fixed,
    over_random,
    paule_mandel,
    predicted,
    spread_about,
)
from benchmark.statistics.crossed import Block
from benchmark.statistics.estimates import Estimate

#: Tuberculosis with and without BCG vaccine in 13 trials (Colditz et al. 1994): ill and healthy, vaccinated and not.
BCG = np.array([
    (4, 119, 11, 128), (6, 300, 29, 274), (3, 228, 11, 209), (62, 13536, 248, 12619), (33, 5036, 47, 5761),
    (180, 1361, 372, 1079), (8, 2537, 10, 619), (505, 87886, 499, 87892), (29, 7470, 45, 7232), (17, 1699, 65, 1600),
    (186, 50448, 141, 27197), (5, 2493, 3, 2338), (27, 16886, 29, 17825)], dtype=float)


@pytest.fixture
def trials():
    """Logarithms of relative risks with their variances."""
    a, b, c, d = BCG.T
    return np.log(a / (a + b) / (c / (c + d))), 1 / a - 1 / (a + b) + 1 / c - 1 / (c + d)


def test_the_vaccine_trials_as_published(trials):
    """Viechtbauer 2010, section 3 (metafor): Q, the equal-effects mean, and the interval of tau^2 by Q profiles."""
    found = heterogeneity(*trials)
    assert found.q == pytest.approx(152.2330, abs=5e-5) and found.df == 12 and found.p < 1e-4
    assert (found.low**2, found.high**2) == pytest.approx((0.1197, 1.1115), abs=5e-5)
    mean, _, weights = spread_about(*trials, 0.0)
    assert (mean, weights.sum()**-0.5) == pytest.approx((-0.4303, 0.0405), abs=5e-5)
    assert found.tau**2 == pytest.approx(0.3181, abs=5e-5)  # of Paule and Mandel, as metafor's method PM


def test_data_sets_more_alike_than_any_tau_makes_them_have_no_interval_of_it():
    v, edge = np.array([0.02, 0.03]), stats.chi2.ppf(0.025, 1)  # Q is (d1 - d2)^2 / (v1 + v2)
    alike, apart = (heterogeneity(np.array([0.0, (share * edge * v.sum())**0.5]), v) for share in (0.9, 1.1))
    assert alike.tau == 0 and np.isnan([alike.low, alike.high]).all()
    assert apart.low == 0 and apart.high**2 == pytest.approx(0.1 * v.sum() / 2)


def test_paule_and_mandel_and_hartung_and_knapp_by_hand(trials):
    d, v = trials
    tau2 = optimize.brentq(lambda t: (((d - np.average(d, weights=1 / (v + t)))**2) / (v + t)).sum() - 12, 0, 5,
                           xtol=1e-14)
    assert paule_mandel(d, v) == pytest.approx(tau2, rel=1e-9)
    w = 1 / (v + tau2)
    mean = (w * d).sum() / w.sum()
    se = np.sqrt((w * (d - mean)**2).sum() / 12 / w.sum())
    one = over_random(d, v)
    assert (one.estimate, one.se, one.df) == pytest.approx((mean, se, 12))
    assert one.p == pytest.approx(2 * stats.t.sf(abs(mean) / se, 12))


def test_many_contrasts_at_once_are_each_of_them(trials):
    d, v = trials
    both = over_random(np.stack([d, d * 0.01]), np.stack([v, v]))
    assert paule_mandel(np.stack([d, d * 0.01]), np.stack([v, v]))[1] == 0
    for place, one in enumerate((over_random(d, v), over_random(d * 0.01, v))):
        assert both.at(place).p == pytest.approx(one.p)


def test_with_equal_variances_it_is_the_t_test_on_data_sets():
    d = np.array([-0.3, -0.1, 0.2, -0.4, -0.15, -0.2])
    for variance in (1e-4, 0.02):  # tau above 0; tau 0, and too few differences by chance to be below the floor
        assert over_random(d, np.full(6, variance)).p == pytest.approx(stats.ttest_1samp(d, 0).pvalue)


def test_data_sets_that_agree_by_chance_are_no_surer_than_their_variances_allow():
    d, v = np.array([-0.1, -0.1001, -0.0999, -0.1, -0.1]), np.array([0.01, 0.02, 0.04, 0.01, 0.01])
    one, known = over_random(d, v), (1 / v).sum()**-0.5
    assert one.se < 0.01 * known
    assert one.p == pytest.approx(2 * stats.norm.sf(abs(one.estimate) / known))
    assert np.subtract(*one.interval()[::-1]) == pytest.approx(2 * 1.959964 * known)
    assert one.below(0.0) == pytest.approx(1 - one.p / 2)
    assert over_random(np.full(5, -0.1), v).p == pytest.approx(2 * stats.norm.sf(0.1 / known))


def test_a_new_data_set_lies_about_where_it_is_predicted(trials):
    """By the law of tau^2 that Q has, which with one large tau is that of a new observation."""
    rng = np.random.default_rng(0)
    d = rng.normal(0.3, 2.0, 40)
    low, high = predicted(d, np.full(40, 1e-8), rng, 10000)
    half = stats.t.isf(0.025, 39) * d.std(ddof=1) * np.sqrt(1 + 1 / 40)
    assert (low, high) == pytest.approx((d.mean() - half, d.mean() + half), abs=0.08)
    d, v = trials
    low, high = predicted(d, v, rng, 5000)
    tau2, one = paule_mandel(d, v), over_random(d, v)
    usual = stats.t.isf(0.025, 11) * np.sqrt(tau2 + one.se**2)
    assert (low, high) == pytest.approx((one.estimate - usual, one.estimate + usual), abs=0.15)


def test_fixed_data_sets_with_one_t_test_each():
    several = [Estimate(*map(np.float64, one)) for one in ((-0.2, 0.1, 8.0), (-0.4, 0.2, 20.0), (0.1, 0.05, 5.0))]
    found = over_fixed(several)
    variance = (0.1**2 + 0.2**2 + 0.05**2) / 9
    df = variance**2 / sum((v / 9)**2 / n for v, n in ((0.01, 8), (0.04, 20), (0.0025, 5)))
    assert (found.estimate, found.se, found.df) == pytest.approx((-0.5 / 3, np.sqrt(variance), df))


def test_fixed_data_sets_keep_both_parts():
    rng = np.random.default_rng(0)
    tables = [[rng.normal(0, 0.2, (4, 30)) + rng.normal(0, 0.1, (4, 1)) for _ in 'ab'] for _ in range(3)]
    several = [crossed_contrast(*pair) for pair in tables]
    found = over_fixed(several)
    assert found.se**2 == pytest.approx(sum(one.se**2 for one in several) / 9)
    assert found.parts.seed_variance == pytest.approx(sum(one.parts.seed_variance for one in several) / 9)
    # Three copies of one data set are three times as much, with three times the degrees of freedom of its seeds.
    same = over_fixed([several[0]] * 3)
    assert same.estimate == pytest.approx(several[0].estimate)
    assert same.se == pytest.approx(several[0].se / np.sqrt(3))
    assert same.parts.seeds[0].df == pytest.approx(3 * several[0].parts.seeds[0].df)
    assert over_fixed([several[0]]).p == pytest.approx(several[0].p)
    assert combined(several).p == found.p and combined(several * 2).df == 5


def test_the_ratio_is_that_of_logarithms_and_has_no_unit():
    rng = np.random.default_rng(1)
    a, b = rng.gamma(20, 0.05, (5, 400)) * rng.gamma(50, 0.02, (5, 1)), rng.gamma(20, 0.06, (5, 400))
    one = ratio(Block(a), Block(b), 'procedure', 'nested')
    assert one.estimate == pytest.approx(np.log(a.mean() / b.mean()))
    again = ratio(Block(a * 7), Block(b * 7), 'procedure', 'nested')
    assert [*map(float, (again.estimate, again.se, again.p))] == pytest.approx(
        [*map(float, (one.estimate, one.se, one.p))])
    # Beside a bootstrap over images alone.
    drawn = np.random.default_rng(2).integers(0, 400, (4000, 400))
    logs = np.log(a.mean(axis=0)[drawn].mean(axis=1) / b.mean(axis=0)[drawn].mean(axis=1))
    assert ratio(Block(a), Block(b), 'networks', 'nested').se == pytest.approx(logs.std(), rel=0.05)
