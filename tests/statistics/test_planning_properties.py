"""What must hold of the numbers of seeds and images that are planned for, for any data."""

import math
from itertools import pairwise

import numpy as np
import pytest
from drawn import DESIGNS, few, parts, quick, same, scores_of, tables
from hypothesis import assume, given
from hypothesis import strategies as st

from benchmark.statistics import Block, Options, crossed_contrast
from benchmark.statistics.crossed import mean_squares
from benchmark.statistics.planning import MOST_SEEDS, Components, contrast_components, planning


@quick
@given(tables(least_seeds=2, least_images=3), DESIGNS)
def test_the_planner_agrees_with_the_contrast_where_nothing_is_cut_at_zero(errors, design):
    a, b = errors
    found = contrast_components(Block(a), Block(b), design)
    assume(found.interaction > 1e-9 and all(
        mean_squares(values).seed > mean_squares(values).residual for values in parts(a, b, design)))
    s, n = a.shape
    same(found.variance(s, n), float(crossed_contrast(a, b, design).se) ** 2, 1e-9)
    if design == 'paired':
        same(found.df(s, n), crossed_contrast(a, b, design).df, 1e-9)


SIZES = st.floats(1e-3, 10)


@quick
@given(SIZES, SIZES, SIZES, st.sampled_from([1, 2]), st.integers(2, 30), st.integers(10, 500))
def test_more_seeds_find_smaller_differences_down_to_the_floor(interaction, residual, seed, terms, s, n):
    # With fewer than 10 images the seeds' degrees of freedom can help more than their variance harms.
    found = Components(interaction, residual, seed, terms)
    values = [found.detectable(k, n) for k in (s, s + 1, 2 * s, 1e9)]
    assert all(one > two * (1 - 1e-9) for one, two in pairwise(values))
    assert values[-1] >= found.floor(n) * (1 - 1e-9)
    assert values[-1] == pytest.approx(found.floor(n), rel=1e-2)


@quick
@given(SIZES, SIZES, SIZES, st.sampled_from([1, 2]), st.integers(12, 30), st.integers(8, 500))
def test_more_images_find_smaller_differences_down_to_the_floor(interaction, residual, seed, terms, s, n):
    found = Components(interaction, residual, seed, terms)
    values = [found.detectable(s, k) for k in (n, n + 1, 2 * n, 1e9)]
    assert all(one > two * (1 - 1e-4) for one, two in pairwise(values))
    assert values[-1] == pytest.approx(found.image_floor(s), rel=1e-3)
    assert values[0] >= found.image_floor(s) * (1 - 1e-3)


def test_the_floor_is_under_what_any_number_of_images_finds():
    found = Components(interaction=40.0, residual=10.0, seed=0.1, terms=1)
    values = [found.detectable(3, n) for n in (100, 300, 1000, 3000, 10_000, 100_000)]
    assert values[2] < values[-1] and min(values) >= found.image_floor(3) * (1 - 1e-9)


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
    assert plan['detectable'] == pytest.approx(components.detectable(s, n))
    needed = plan['seeds_needed']
    if needed is None:
        assert components.detectable(MOST_SEEDS, n) > target
    else:
        assert components.detectable(needed, n) <= target
        assert all(components.detectable(k, n) > target for k in range(2, min(needed, 60)))
        assert needed == 2 or components.detectable(needed - 1, n) > target
    assert [one['n_seeds'] for one in plan['grid']] == sorted({2, 3, 5, 10, 20, 50, s})
    for one in plan['grid']:
        assert one['se'] == pytest.approx(math.sqrt(components.variance(one['n_seeds'], n)))
        assert one['detectable'] == pytest.approx(components.detectable(one['n_seeds'], n))
    if plan['images_needed'] is not None and s > 5:
        assert components.detectable(s, plan['images_needed']) <= target
        assert plan['images_needed'] == 3 or components.detectable(s, plan['images_needed'] - 1) > target


def test_a_large_difference_needs_two_seeds_and_three_images():
    rng = np.random.default_rng(0)
    a, b = 5 + rng.normal(0, 0.1, (3, 10)), 1 + rng.normal(0, 0.1, (3, 10))
    plan = planning(scores_of({'a': a, 'b': b}), [('a', 'b')], Options())[0]
    assert (plan['seeds_needed'], plan['images_needed']) == (2, 3)
