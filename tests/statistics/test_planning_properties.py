"""What must hold of the numbers of seeds and images that are planned for, for any data."""

import math
from itertools import pairwise

import numpy as np
import pytest
from drawn import DESIGNS, few, parts, quick, same, scores_of, tables
from hypothesis import assume, given
from hypothesis import strategies as st

from benchmark.statistics import Block, Options, crossed_contrast
from benchmark.statistics.components import Components, contrast_components
from benchmark.statistics.crossed import MeanSquares, mean_squares, of_squares
from benchmark.statistics.planning import MOST_SEEDS, planning


@quick
@given(tables(least_seeds=2, least_images=3), DESIGNS)
def test_the_planner_agrees_with_the_contrast_where_nothing_is_cut_at_zero(errors, design):
    a, b = errors
    found = contrast_components(Block(a), Block(b), design)
    assume(found.interaction > 1e-9 and all(
        mean_squares(values).seed > mean_squares(values).residual for values in parts(a, b, design)))
    s, n = a.shape
    one = crossed_contrast(a, b, design)
    same(found.variance(s, n), float(one.se) ** 2, 1e-9)
    points = found.points(s, n)
    same([points.seeds, points.images], [one.parts.seed_variance, one.parts.images.variance], 1e-9)
    assert (points.seeds_df, points.images_df, points.terms) == (s - 1, n - 1, len(parts(a, b, design)))


SIZES = st.floats(1e-3, 10)
#: Digits of the planner's integrals.
ROUGH = 1e-3


@quick
@given(SIZES, SIZES, SIZES, st.sampled_from([1, 2]), st.integers(2, 30), st.integers(10, 500))
def test_more_seeds_find_smaller_differences_down_to_the_floor(interaction, residual, seed, terms, s, n):
    found = Components(interaction, residual, seed, terms)
    values = [found.detectable(k, n) for k in (s, s + 1, 2 * s, 1e9)]
    assert all(one > two * (1 - ROUGH) for one, two in pairwise(values))
    assert values[-1] >= found.floor(n) * (1 - ROUGH)
    assert values[-1] == pytest.approx(found.floor(n), rel=1e-2)


@quick
@given(SIZES, SIZES, SIZES, st.sampled_from([1, 2]), st.integers(2, 30), st.integers(8, 500))
def test_more_images_find_smaller_differences_down_to_the_floor(interaction, residual, seed, terms, s, n):
    found = Components(interaction, residual, seed, terms)
    values = [found.detectable(s, k) for k in (n, n + 1, 2 * n, 1e9)]
    assert all(one > two * (1 - ROUGH) for one, two in pairwise(values))
    assert values[-1] == pytest.approx(found.image_floor(s), rel=2 * ROUGH)


@pytest.mark.parametrize(('terms', 'seed_sd', 's', 'n', 'alpha'), [
    (1, 0.05, 3, 310, 0.05), (1, 0.05, 3, 310, 0.05 / 6), (2, 0.05, 3, 48, 0.05 / 6), (2, 0.02, 2, 310, 0.05),
    (1, 0.02, 10, 48, 0.05 / 6), (2, 0.0, 5, 12, 0.05)])
def test_what_is_detectable_is_found_with_80_percent(terms, seed_sd, s, n, alpha):
    found = Components(2 * 0.10**2, 2 * 0.15**2, terms * seed_sd**2, terms)
    rng, count = np.random.default_rng(1), 4000
    residual, seed = found.residual / terms, found.seed / terms
    d = float(found.detectable(s, n, alpha)) + rng.normal(0, math.sqrt(found.interaction / n), count)
    squares = []
    for sign in (1, -1)[:terms]:
        means = rng.normal(0, math.sqrt(seed + residual / n), (count, s))
        d += sign * means.mean(axis=1)
        rest = residual * rng.chisquare((s - 1) * (n - 1), count) / ((s - 1) * (n - 1))
        squares.append(MeanSquares(n * means.var(axis=1, ddof=1), np.full(count, math.nan), rest, s, n))
    images = (found.interaction + found.residual / s) * rng.chisquare(n - 1, count) / (n - 1) / n
    one = of_squares(d, images, n, squares)
    assert ((one.p < alpha) & (d > 0)).mean() == pytest.approx(0.8, abs=0.025)


@few
@given(tables(least_seeds=2, least_images=8, coarse=False), DESIGNS, st.sampled_from([None, 0.05, 0.15, 0.4]))
def test_the_numbers_of_seeds_and_images_needed_are_the_least_that_are_enough(errors, design, margin):
    options = Options(design=design, margin={} if margin is None else {'ME': margin})
    scores = scores_of(dict(zip('ab', errors, strict=True)))
    plan = next(one for one in planning(scores, [('a', 'b')], options) if one['endpoint'] == 'ME')
    components = contrast_components(scores.block('ME', 'a'), scores.block('ME', 'b'), design)
    s, n = errors[0].shape
    target = abs((errors[0] - errors[1]).mean()) if margin is None else margin
    assert plan['target'] == pytest.approx(target) and (plan['n_seeds'], plan['n_units']) == (s, n)
    assert plan['detectable'] == pytest.approx(float(components.detectable(s, n)), rel=ROUGH)
    needed = plan['seeds_needed']
    if needed is None:
        assert components.detectable(MOST_SEEDS, n) > target * (1 - ROUGH)
    else:
        assert components.detectable(needed, n) <= target * (1 + ROUGH)
        assert (components.detectable(np.arange(2, max(3, needed)), n)[:needed - 2] > target * (1 - ROUGH)).all()
    assert [one['n_seeds'] for one in plan['grid']] == sorted({2, 3, 5, 10, 20, 50, s})
    for one in plan['grid']:
        assert one['se'] == pytest.approx(math.sqrt(components.variance(one['n_seeds'], n)))
        assert one['detectable'] == pytest.approx(float(components.detectable(one['n_seeds'], n)), rel=ROUGH)
    if plan['images_needed'] is not None:
        assert components.detectable(s, plan['images_needed']) <= target * (1 + ROUGH)
        assert plan['images_needed'] == 3 or components.detectable(s, plan['images_needed'] - 1) > target * (1 - ROUGH)


def test_a_large_difference_needs_two_seeds_and_three_images():
    rng = np.random.default_rng(0)
    a, b = 5 + rng.normal(0, 0.1, (3, 10)), 1 + rng.normal(0, 0.1, (3, 10))
    plan = planning(scores_of({'a': a, 'b': b}), [('a', 'b')], Options())[0]
    assert (plan['seeds_needed'], plan['images_needed']) == (2, 3)
