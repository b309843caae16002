"""Boundaries of repeated looks against published numbers, other programs and ways of computing them, and simulation."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import special, stats
from scipy.optimize import brentq

from benchmark.statistics.crossed import crossed_contrast
from benchmark.statistics.estimates import Estimate
from benchmark.statistics.sequential.boundaries import boundaries, crossing
from benchmark.statistics.sequential.estimates import after_stop, exceeded
from benchmark.statistics.sequential.levels import bound, nominal, reached, score, sequential_p, tail
from benchmark.statistics.sequential.plan import SequentialPlan
from benchmark.statistics.sequential.spending import spent
from benchmark.validation.looking import World, draw

FIFTHS = np.arange(1, 6) / 5
SPENDINGS = ('obrien_fleming', 'pocock', 'hsd:-4', 'hsd:0', 'hsd:1')


def classic(looks, level, shape):
    """Constant of Pocock's (1977) or O'Brien and Fleming's (1979) two-sided test at equally spaced looks.

    ``pocock``: |Z_k| is compared with the constant; ``obrien_fleming``: with constant * sqrt(K / k).
    """
    steps = np.arange(1, looks + 1) / looks

    def excess(constant):
        bound = constant * (np.ones(looks) if shape == 'pocock' else steps**-0.5)
        below, above = crossing(steps, -bound, bound)
        return float(below.sum() + above.sum()) - level
    return brentq(excess, 0.5, 8.0, xtol=1e-10)


@pytest.mark.parametrize('shape, level, constants', [
    # Jennison and Turnbull (1999), tables 2.1 and 2.3: K = 2, 3, 4, 5, 10.
    ('pocock', 0.05, {2: 2.178, 3: 2.289, 4: 2.361, 5: 2.413, 10: 2.555}),
    ('pocock', 0.1, {2: 1.875, 3: 1.992, 4: 2.067, 5: 2.122, 10: 2.270}),
    ('pocock', 0.01, {2: 2.772, 3: 2.873, 4: 2.939, 5: 2.986, 10: 3.117}),
    ('obrien_fleming', 0.05, {2: 1.977, 3: 2.004, 4: 2.024, 5: 2.040, 10: 2.087}),
    ('obrien_fleming', 0.1, {2: 1.678, 3: 1.710, 4: 1.733, 5: 1.751, 10: 1.801}),
    ('obrien_fleming', 0.01, {2: 2.580, 3: 2.595, 4: 2.609, 5: 2.621, 10: 2.660}),
])
def test_classic_constants_are_those_of_the_tables(shape, level, constants):
    assert {looks: round(classic(looks, level, shape), 3) for looks in constants} == constants


@pytest.mark.parametrize('fractions, level, spending, sided, published', [
    # Reboussin, DeMets, Kim and Lan (2000) and the programs of Lan and DeMets: five equally spaced looks.
    (FIFTHS, 0.05, 'obrien_fleming', 2, [4.8769, 3.3569, 2.6803, 2.2898, 2.0310]),
    (FIFTHS, 0.05, 'pocock', 2, [2.4380, 2.4268, 2.4102, 2.3966, 2.3860]),
    (FIFTHS, 0.025, 'obrien_fleming', 1, [4.8769, 3.3569, 2.6803, 2.2898, 2.0310]),
    # gsDesign (Anderson), its default: three looks, Hwang, Shih and de Cani's function with gamma -4, one-sided.
    (np.arange(1, 4) / 3, 0.025, 'hsd:-4', 1, [3.0107, 2.5465, 1.9992]),
])
def test_spending_boundaries_are_the_published_ones(fractions, level, spending, sided, published):
    # They are printed with four digits, and were integrated on coarser grids.
    assert boundaries(fractions, level, spending, sided) == pytest.approx(published, abs=1.2e-4)


#: What R's rpact printed (r/boundaries.R).
RPACT = json.loads((Path(__file__).parent / 'r' / 'boundaries.json').read_text())


def test_spending_boundaries_are_those_of_rpact():
    assert {case['spending'] for case in RPACT['cases']} == {'obrien_fleming', 'pocock', 'hsd:-1', 'hsd:-4'}
    for case in RPACT['cases']:
        found = boundaries(np.array(case['times']), case['alpha'], case['spending'])
        assert found == pytest.approx(case['critical'], abs=1e-5), case


def test_classic_constants_are_those_of_rpact():
    for case in RPACT['classic']:
        for shape in ('obrien_fleming', 'pocock'):
            assert classic(case['looks'], case['alpha'], shape) == pytest.approx(case[shape], abs=1e-7), case


@pytest.mark.parametrize('spending', SPENDINGS)
@pytest.mark.parametrize('sided', [1, 2])
def test_the_level_is_spent_as_the_multivariate_normal_law_says(spending, sided):
    times, level = np.array([0.15, 0.4, 0.55, 1.0]), 0.05
    bounds = boundaries(times, level, spending, sided)
    correlation = np.sqrt(np.minimum.outer(times, times) / np.maximum.outer(times, times))
    for count in range(1, 5):
        low = -bounds[:count] if sided == 2 else np.full(count, -np.inf)
        inside = stats.multivariate_normal.cdf(bounds[:count], cov=correlation[:count, :count], lower_limit=low,
                                               maxpts=400_000, abseps=1e-7, releps=0)
        # spent() speaks of two sides; a one-sided test spends as one side of a test with twice the level.
        wanted = spent(level, times[count - 1], spending) if sided == 2 else (
            spent(2 * level, times[count - 1], spending) / 2)
        assert 1 - inside == pytest.approx(float(wanted), abs=5e-5)


def test_spending_functions_by_hand():
    assert spent(0.05, 1.0, 'obrien_fleming') == pytest.approx(0.05)
    assert spent(0.05, 0.25, 'obrien_fleming') == pytest.approx(4 * stats.norm.sf(stats.norm.isf(0.0125) * 2))
    assert spent(0.05, 0.5, 'pocock') == pytest.approx(0.05 * np.log(1 + (np.e - 1) / 2))
    assert spent(0.05, 0.5, 'hsd:-4') == pytest.approx(0.05 * (1 - np.exp(2)) / (1 - np.exp(4)))
    assert spent(0.05, 0.3, 'hsd:0') == pytest.approx(0.015)
    with pytest.raises(ValueError, match='spending'):
        spent(0.05, 0.3, 'all at once')


@pytest.mark.parametrize('fractions', [[], [0.5, 0.5], [0.0, 1.0], [0.5, 1.2], [0.6, 0.5]])
def test_fractions_that_do_not_rise_are_refused(fractions):
    with pytest.raises(ValueError, match='rise'):
        boundaries(fractions, 0.05, 'pocock')


def test_one_look_is_the_fixed_test():
    assert boundaries([1.0], 0.05, 'pocock') == pytest.approx([stats.norm.isf(0.025)])
    assert reached(0.03, (1.0,), 'obrien_fleming') == pytest.approx(0.03, rel=1e-3)


@pytest.mark.parametrize('spending', SPENDINGS)
def test_the_level_reached_is_the_way_back_from_the_boundary(spending):
    times = tuple(np.arange(3, 13) / 20)
    for level in (0.4, 0.05, 0.05 / 6, 1e-4):
        for looks in (1, 4, 10):
            if np.isfinite(bound(times[:looks], level, spending)):
                p = nominal(times[:looks], level, spending)
                assert score(reached(p, times[:looks], spending)) == pytest.approx(score(level), abs=3e-3)


def test_sequential_p_values_never_rise_and_are_at_least_the_smallest_p():
    times, rng = tuple(np.arange(1, 7) / 6), np.random.default_rng(1)
    p = tail(np.cumsum(rng.normal(size=(200, 6)), axis=1) / np.sqrt(np.arange(1, 7)))
    found = sequential_p(p, times, 'hsd:-1')
    assert (np.diff(found, axis=1) <= 0).all()
    assert (found >= np.minimum.accumulate(p, axis=1) - 1e-12).all()
    bounds = boundaries(times, 0.05, 'hsd:-1')
    crossed = np.logical_or.accumulate(score(p) > bounds, axis=1)
    assert (crossed == (found < 0.05)).mean() > 0.998


def test_leaving_has_the_probability_that_paths_have():
    times, rng = np.array([0.3, 0.6, 1.0]), np.random.default_rng(2)
    bounds = boundaries(times, 0.05, 'pocock')
    paths = np.cumsum(rng.normal(size=(40_000, 3)) * np.sqrt(np.diff(times, prepend=0)), axis=1) + 2.0 * times
    scores = paths / np.sqrt(times)
    below, above = crossing(times, -bounds, bounds, [0.0, 2.0])
    assert below[0] == pytest.approx(above[0]) and (below + above)[0].sum() == pytest.approx(0.05)
    first = np.where((np.abs(scores) > bounds).any(axis=1), (np.abs(scores) > bounds).argmax(axis=1), 3)
    for look in range(3):
        assert above[1, look] == pytest.approx(((first == look) & (scores[:, min(look, 2)] > 0)).mean(), abs=0.008)


def normal(estimate, se):
    """An estimate with a known standard error."""
    return Estimate(np.float64(estimate), np.float64(se), np.float64(1e9))


def test_after_a_first_look_the_estimate_is_the_estimate_and_the_interval_the_ordinary_one():
    rng = np.random.default_rng(5)
    a, b = (rng.normal(size=(3, 1)) * 0.02 + rng.normal(size=(3, 40)) * 0.15 for _ in range(2))
    one = crossed_contrast(a - 0.5, b, 'paired')
    found = after_stop(one, [9.0], [])
    assert (found.estimate, found.low, found.high) == pytest.approx((one.estimate, *one.interval(0.95)))


def test_the_estimate_after_a_stop_is_median_unbiased():
    times = np.array([0.25, 0.5, 1.0])
    bounds = boundaries(times, 0.05, 'pocock')
    for look, last in ((1, 2.6), (2, 1.3)):
        one, known = normal(last, 1.0), times[:look + 1]
        differences = bounds[:look] * np.sqrt(times[look] / times[:look])
        found = after_stop(one, known, differences)
        for theta, share in ((found.estimate, 0.5), (found.low, 0.025), (found.high, 0.975)):
            assert exceeded(np.array([theta]), one, known, differences)[0] == pytest.approx(share, abs=2e-3)
        assert found.estimate < last
        turned = after_stop(normal(-last, 1.0), known, differences)
        assert (turned.low, turned.estimate) == pytest.approx((-found.high, -found.estimate), abs=0.01)


def test_after_a_stop_with_few_seeds_the_interval_covers_and_the_estimate_lies_on_either_side():
    """Paired suites of 2 to 6 seeds that stop where they cross; true difference .1, so that most stop early."""
    truth, plan, rng = 0.1, SequentialPlan(6, first_look=2, futility=None), np.random.default_rng(3)
    drawn = draw(rng, World('paired', 310, 0.05), 60, 6).at(plan.schedule()).shifted(truth)
    times = tuple(count / 6 for count in plan.schedule())
    found = sequential_p(drawn.p()[:, 0], times, plan.spending) < 0.05
    missed = [nominal(times[:look + 1], 0.05, plan.spending) for look in range(len(times))]
    covered, above = [], []
    for suite, crossed in enumerate(found):
        look = int(crossed.argmax()) if crossed.any() else len(times) - 1
        parts = drawn.parts.at((suite, 0, look))
        one = Estimate(drawn.estimate[suite, 0, look], np.sqrt(parts.variance), parts.df, parts)
        stops = [float(drawn.parts.at((suite, 0, at)).half_width(1 - missed[at])) for at in range(look)]
        rest = after_stop(one, times[:look + 1], stops)
        covered.append(rest.low < truth < rest.high)
        above.append(rest.estimate > truth)
    assert np.mean(covered) > 0.86 and 0.3 < np.mean(above) < 0.68


def test_looking_after_each_seed_errs_too_often_and_spending_does_not():
    """Equal procedures, paired, 3 to 12 seeds: the fixed test at every look, and the same looks with spending."""
    rng, most = np.random.default_rng(7), 12
    shape = (800, 1, 60)
    seeds = rng.normal(size=(2, 800, most, 1)) * 0.05
    a, b = (rng.normal(size=shape) * 0.1 + seeds[one] + rng.normal(size=(800, most, 60)) * 0.15 for one in (0, 1))
    p = np.stack([crossed_contrast(a[:, :count], b[:, :count], 'paired').p for count in range(3, most + 1)], axis=1)
    plan = SequentialPlan(max_seeds=most)
    found = sequential_p(p, tuple(count / most for count in plan.schedule()), plan.spending)
    assert (p < 0.05).any(axis=1).mean() > 0.09
    assert 0.01 <= (found[:, -1] < 0.05).mean() <= 0.07


def test_information_of_crossed_seeds_and_images_is_canonical():
    """Cov(D_j, D_k) = Var(D_k) for a later look k, though all looks share their images."""
    rng, repetitions, images = np.random.default_rng(8), 20_000, 5
    common = rng.normal(size=(repetitions, images)).mean(axis=1)
    seeds = rng.normal(size=(repetitions, 8))
    differences = np.stack([common + seeds[:, :count].mean(axis=1) for count in (3, 5, 8)], axis=1)
    covariance = np.cov(differences.T)
    assert covariance[0, 1] == pytest.approx(covariance[1, 1], abs=0.012)
    assert covariance[0, 2] == pytest.approx(covariance[2, 2], abs=0.012)
    assert covariance[0, 0] > covariance[2, 2] + 0.1


def test_a_score_and_its_tail():
    assert tail(score(np.array([1.0, 0.05, 1e-9]))) == pytest.approx([1.0, 0.05, 1e-9])
    assert score(0.05) == pytest.approx(special.ndtri(0.975))
