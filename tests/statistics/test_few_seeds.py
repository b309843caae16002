"""Few seeds: the two-part p-value, its interval, and the families' either key."""

import math

import numpy as np
import pytest
from drawn import DESIGNS, LEVELS, few, quick, same
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, special, stats

from benchmark.statistics import Estimate, crossed_contrast
from benchmark.statistics.crossed import MeanSquares, mean_squares, of_squares
from benchmark.statistics.families import Keys, Pool, adjusted, half_width, pool
from benchmark.statistics.parts import Part, Parts

N = 310


def squares(seed, residual, seeds=3, images=N, image=math.nan):
    return MeanSquares(*(np.float64(value) for value in (seed, image, residual)), seeds, images)


def nested(d=0.10, seeds=(3, 3)):
    return of_squares(np.float64(d), np.float64(0.035 / N), N,
                      [squares(0.5, 0.0225, seeds[0]), squares(0.1, 0.0225, seeds[1])])


def paired(d=0.07):
    return of_squares(np.float64(d), np.float64(0.075 / (3 * N)), N, [squares(0.06, 0.045, image=0.075)])


def by_quadrature(d, variance, df, images, images_df):
    """The two-part p-value by adaptive quadrature over g itself."""
    def given(g):
        whole = variance / g + images
        k = images_df * (whole / images) ** 2
        return 2 * special.stdtr(k, -abs(d) / math.sqrt(whole)) * stats.chi2.pdf(df * g, df) * df

    return sum(integrate.quad(given, *ends, epsabs=0, epsrel=1e-12, limit=500)[0]
               for ends in ((0, 0.01), (0.01, 0.2), (0.2, 1), (1, 5), (5, 200)))


def on_a_grid(d, first, second, images, images_df):
    """That in three parts by the trapezoid rule over log g of both, between the 1e-13 quantiles."""
    over_g, weights = [], []
    for _, df in (first, second):
        g = np.exp(np.linspace(*np.log(stats.chi2.ppf([1e-13, 1 - 1e-13], df) / df), 801))
        over_g.append(1 / g)
        weights.append(g * stats.chi2.pdf(df * g, df))
    whole = first[0] * over_g[0][:, None] + second[0] * over_g[1] + images
    p = 2 * special.stdtr(images_df * (whole / images) ** 2, -abs(d) / np.sqrt(whole))
    return weights[0] @ p @ weights[1] / weights[0].sum() / weights[1].sum()


def test_the_worked_nested_example():
    one = nested()
    assert float(one.se) == pytest.approx(0.02663977, abs=5e-9) and float(one.df) == pytest.approx(3.349808, abs=5e-7)
    (part,), rest = one.parts.seeds, one.parts.images
    assert float(part.variance) == pytest.approx(5.376344e-4 + 1.075269e-4, abs=1e-10)
    assert float(part.df) == pytest.approx(2.769231, abs=5e-7)
    assert float(rest.variance) == pytest.approx(6.451613e-5, abs=5e-12)
    assert float(one.p) == pytest.approx(0.0346112574023, abs=2e-12)
    assert [float(end) for end in one.interval()] == pytest.approx([0.0140634, 0.1859366], abs=5e-8)


def test_the_worked_example_in_three_parts():
    # Unequal numbers of seeds with the same parts: a method has its own g then.
    parts = [Part(np.float64(value), np.float64(2)) for value in (0.5 / (3 * N), 0.1 / (3 * N))]
    three = Parts(tuple(parts), nested().parts.images, np.float64(0))
    assert float(three.p(np.float64(0.1))) == pytest.approx(0.066131127, abs=5e-10)
    assert len(nested(seeds=(3, 4)).parts.seeds) == 2


def test_the_worked_paired_example_and_its_family():
    one = paired()
    assert float(one.se) == pytest.approx(0.00983739, abs=5e-9) and float(one.df) == pytest.approx(4.446932, abs=5e-7)
    assert float(one.p) == pytest.approx(0.0131636778838, abs=2e-12)
    assert float(one.half_widths([0.95])[0]) == pytest.approx(0.03585521, abs=5e-9)
    assert float(one.parts.spread) == pytest.approx(2.483591e-11, abs=5e-18)
    pooled = Pool(np.float64(0.05), 12.0, 7, N)
    keys = Keys(one, one.parts, (3, 3), pooled)
    assert [float(p) for p in keys.p] == pytest.approx([0.00000904035, 0.008239114], abs=5e-10)
    assert float(keys.pooled[1]) == pytest.approx(19.770385, abs=5e-7)
    assert float(keys.bound[1]) == pytest.approx(2.676878, abs=5e-7)
    family = [one, *(paired(0.0001 * k) for k in range(5))]
    found = adjusted(family, [(3, 3)] * 6, pooled)
    assert found[0] == pytest.approx(0.04119557, abs=5e-9) and found[1:].min() > 0.5
    assert float(half_width(one, (3, 3), pooled, 0.05, 6)) < 0.07  # p below .05: the interval excludes 0


@pytest.mark.parametrize(('variance', 'df', 'images', 'images_df', 'd'), [
    (1.0, 1.0, 0.2, 47, 5.0), (0.3, 2.0, 1.0, 309, 3.0), (4.0, 2.77, 0.01, 11, 9.0), (1.0, 9.0, 1.0, 999, 3.0),
    (0.01, 1.0, 1.0, 15, 2.2)])
def test_the_p_value_is_the_mean_of_t_tests_over_what_the_seeds_could_be(variance, df, images, images_df, d):
    parts = parts_of((variance, df, images, images_df))
    expected = by_quadrature(d, variance, df, images, images_df)
    assert float(parts.p(np.float64(d))) == pytest.approx(expected, rel=1e-10)
    assert float(parts.half_width(1 - expected)) == pytest.approx(d, rel=1e-10)


@pytest.mark.parametrize('seeds', [[(1.0, 1.0), (0.4, 9.0)], [(0.2, 2.0), (0.3, 4.0)]])
def test_three_parts_on_a_grid(seeds):
    parts = Parts(tuple(Part(*map(np.float64, one)) for one in seeds), Part(np.float64(0.2), np.float64(309)),
                  np.float64(0))
    expected = on_a_grid(4.0, *seeds, 0.2, 309)
    assert float(parts.p(np.float64(4.0))) == pytest.approx(expected, rel=1e-9)
    assert float(parts.half_width(1 - expected)) == pytest.approx(4.0, rel=1e-9)


SIZES = st.floats(1e-4, 1e4)
SIZED = st.tuples(SIZES, st.floats(1, 30), SIZES, st.floats(11, 1e4))


def parts_of(drawn):
    variance, df, images, images_df = map(np.float64, drawn)
    return Parts((Part(variance, df),), Part(images, images_df), np.float64(0))


@quick
@given(SIZED, LEVELS, st.floats(1e-3, 1e3))
def test_p_and_interval_agree_and_have_no_unit(drawn, alpha, factor):
    parts = parts_of(drawn)
    half = parts.half_width(1 - alpha)
    same(parts.p(half), alpha, 1e-10)
    same(parts.p(-half), alpha, 1e-10)
    assert parts.p(half * 1.01) < alpha < parts.p(half * 0.99)
    same(parts.below(half), 1 - alpha / 2, 1e-10)
    variance, df, images, images_df = drawn
    other = parts_of((variance * factor**2, df, images * factor**2, images_df))
    same(other.half_width(1 - alpha) / (half * factor), 1.0, 1e-10)
    # Between what is known of the images alone and of the seeds alone.
    assert half >= stats.norm.isf(alpha / 2) * math.sqrt(images) * (1 - 1e-10)


@quick
@given(SIZED, LEVELS)
def test_seeds_or_images_alone_are_a_t_test(drawn, alpha):
    variance, df, images, images_df = map(np.float64, drawn)
    seeds = Parts((Part(variance, df),), Part(np.float64(0), images_df), np.float64(0))
    same(seeds.half_width(1 - alpha) / (stats.t.isf(alpha / 2, df) * math.sqrt(variance)), 1.0, 1e-9)
    alone = Parts((Part(np.float64(0), df),), Part(images, images_df), np.float64(0))
    same(alone.half_width(1 - alpha) / (stats.t.isf(alpha / 2, images_df) * math.sqrt(images)), 1.0, 1e-9)


def drawn_family(rng, count, design, seeds=3, methods=7, seed_sd=0.05, images=N):
    """Mean squares of equal methods as the model gives them: contrasts of the first with each other, and the pool."""
    own = seed_sd * rng.standard_normal((count, methods, seeds))
    noise = 0.15 / math.sqrt(images) * rng.standard_normal((count, methods, seeds))
    means = own * (math.sqrt(0.5) if design == 'paired' else 1.0) + noise
    images_part = 0.10 / math.sqrt(images) * rng.standard_normal((count, methods))
    residual = 0.15**2 * rng.chisquare((seeds - 1) * (images - 1), (count, methods)) / ((seeds - 1) * (images - 1))
    found = []
    for other in range(1, methods):
        d = (means.mean(axis=2) + images_part)[:, 0] - (means.mean(axis=2) + images_part)[:, other]
        both = residual[:, [0, other]]
        variance = (2 * 0.10**2 + 2 * 0.15**2 / seeds) * rng.chisquare(images - 1, count) / (images - 1) / images
        if design == 'paired':
            difference = means[:, 0] - means[:, other]
            table = [MeanSquares(images * difference.var(axis=1, ddof=1), variance, both.sum(axis=1), seeds, images)]
        else:
            table = [MeanSquares(images * means[:, m].var(axis=1, ddof=1), variance, residual[:, m], seeds, images)
                     for m in (0, other)]
        found.append(of_squares(d, variance, images, table))
    return found, pool([means[:, m] for m in range(methods)], images, design)


@pytest.mark.parametrize(('design', 'today'), [('paired', 0.12), ('nested', 0.035)])
def test_a_family_of_three_seeds_holds_its_level_and_satterthwaites_t_does_not(design, today):
    family, pooled = drawn_family(np.random.default_rng(1), 1000, design)
    either = adjusted(family, [(3, 3)] * 6, pooled).min(axis=1)
    alone = adjusted(family, [(3, 3)] * 6, None).min(axis=1)
    t = adjusted([Estimate(one.estimate, one.se, one.df) for one in family], [(3, 3)] * 6, None).min(axis=1)
    assert (t < 0.05).mean() > today
    for p in (either, alone):
        assert 0.01 < (p < 0.05).mean() < 0.065
    inside = np.logical_and.reduce([np.abs(one.estimate) <= half_width(one, (3, 3), pooled, 0.05, 6) for one in family])
    assert inside.mean() > 0.935
    # An interval that excludes 0 goes with an adjusted p below the level.
    assert not (~inside & (either >= 0.05)).any()


@few
@given(st.integers(0, 2**32 - 1), DESIGNS, LEVELS)
def test_adjusted_p_values_bind_raw_ones_and_simultaneous_intervals(seed, design, alpha):
    rng = np.random.default_rng(seed)
    family, pooled = drawn_family(rng, 20, design, seeds=int(rng.integers(2, 6)), seed_sd=float(rng.uniform(0, 0.2)))
    counts = [(3, 3)] * 6
    found, holm_alone = adjusted(family, counts, pooled), adjusted(family, counts, None)
    raw = np.stack([one.p for one in family], axis=1)
    assert (raw <= found).all() and (found <= holm_alone).all()
    moved = rng.permutation(6)
    same(adjusted([family[k] for k in moved], counts, pooled), found[:, moved])
    for place, one in enumerate(family):
        wide = half_width(one, (3, 3), pooled, alpha, 6)
        alone, = one.half_widths([1 - alpha])
        assert (wide >= alone).all()
        outside = np.abs(one.estimate) > wide
        assert (found[outside, place] < alpha).all()
        same(Estimate(-one.estimate, one.se, one.df, one.parts).p, one.p)


def test_the_pool_is_the_mean_square_of_all_methods():
    rng = np.random.default_rng(2)
    tables = rng.normal(size=(4, 3, 50))
    found = pool([values.mean(axis=-1) for values in tables], 50, 'nested')
    assert found.mean_square == pytest.approx(np.mean([mean_squares(values).seed for values in tables]))
    assert (found.df, found.methods, found.factor) == (8, 4, 5)
    found = pool([values.mean(axis=-1) for values in tables], 50, 'paired')
    # Half the mean square of a difference, averaged over all pairs.
    pairs = [mean_squares(tables[a] - tables[b]).seed for a in range(4) for b in range(a)]
    assert found.mean_square == pytest.approx(np.mean(pairs) / 2) and found.df == 6
    assert Pool(np.float64(1), 30.0, 12, 50).factor == 7.5


@pytest.mark.parametrize(('seeds', 'images', 'design', 'there'), [
    ((3, 3, 3), 12, 'nested', True), ((3, 3, 3), 11, 'nested', False), ((3, 3), 50, 'nested', False),
    ((2, 2, 2), 50, 'nested', True), ((2, 3, 3), 50, 'nested', False), ((10, 3, 3), 50, 'nested', True),
    ((10, 3, 3), 50, 'paired', False), ((1, 3, 3, 3), 50, 'nested', True), ((1, 3, 3, 3), 50, 'paired', True)])
def test_when_methods_are_pooled(seeds, images, design, there):
    rng = np.random.default_rng(3)
    assert (pool([rng.normal(size=count) for count in seeds], images, design) is not None) == there


def test_with_fewer_than_twelve_images_p_is_that_of_t_at_least():
    rng = np.random.default_rng(4)
    for n in (8, 11, 12):
        a, b = rng.normal(size=(2, 5, n)) * 0.1 + rng.normal(size=n)
        one = crossed_contrast(a, b + 0.1)
        assert (one.least is not None) == (n < 12)
        if n < 12:
            se, df = one.least
            assert one.p == max(2 * stats.t.sf(abs(one.estimate / se), df), one.parts.p(one.estimate))
            assert one.half_widths([0.95])[0] >= stats.t.isf(0.025, df) * se * (1 - 1e-12)
            assert 2 * min(one.below(0.0), 1 - one.below(0.0)) == pytest.approx(float(one.p))


def test_seeds_whose_means_are_equal_leave_the_images_variance():
    # A single failure in each of three seeds, on another image each: the seeds' means are equal by chance.
    a, b = np.zeros((3, 60)), np.zeros((3, 60))
    a[0, 1] = a[1, 2] = a[2, 3] = 1
    one = crossed_contrast(a, b)
    difference = a.mean(axis=0)
    assert one.p == pytest.approx(stats.ttest_1samp(difference, 0).pvalue, rel=1e-9) and one.p > 0.05
    assert one.df == 59
