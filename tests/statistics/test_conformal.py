"""Split-conformal regions: quantiles by hand, what few images promise, and coverage."""

import math

import numpy as np
import pytest
from scipy import stats

from benchmark.statistics.conformal import LEARNING, TooFew, calibrate, learners, promise, quantile


def test_ranks_and_what_is_realised_by_hand():
    # ceil(.9 * 16) = 15 of 15: coverage is Beta(15, 1), whose quantile is p^(1/15).
    found = promise(15, 0.9)
    assert (found.rank, found.units) == (15, 15)
    assert (found.low, found.high) == (pytest.approx(0.05 ** (1 / 15)), pytest.approx(0.95 ** (1 / 15)))
    assert [promise(n, 0.9).rank for n in (9, 10, 18, 19, 20, 99)] == [9, 10, 18, 18, 19, 90]
    assert promise(1, 0.5).rank == 1


@pytest.mark.parametrize('units, level, said', [
    (8, 0.9, '8 validation images, one a subject, can promise at most 88.8 %; 90 % takes 9'),
    (15, 0.95, 'at most 93.7 %; 95 % takes 19'), (0, 0.9, 'can promise nothing; 90 % takes 9'),
    (1, 0.51, '1 validation image, one a subject, can promise at most 50 %; 51 % takes 2')])
def test_what_few_images_cannot_promise(units, level, said):
    with pytest.raises(TooFew, match=said):
        promise(units, level)


@pytest.mark.parametrize('level', [0, 1, -0.1, 90])
def test_no_share(level):
    with pytest.raises(ValueError, match='give one between 0 and 1'):
        promise(20, level)


def test_the_highest_level_that_is_named_can_be_asked_for():
    for units in range(1, 200):
        with pytest.raises(TooFew) as told:
            promise(units, 0.9999)
        assert promise(units, float(str(told.value).split('at most ')[1].split(' %')[0]) / 100).rank <= units


def test_quantiles_by_hand():
    values, names = np.array([4.0, 1, 3, 2, np.nan]), list('abcde')
    # Of 4 units, 50 % takes the ceil(2.5) = 3rd smallest, 80 % the largest; the one without a value is none.
    assert quantile(values, names, 0.5) == 3 and quantile(values, names, 0.8) == 4
    with pytest.raises(TooFew):
        quantile(values, names, 0.81)
    assert quantile(np.array([1.0, np.inf]), ['a', 'b'], 0.6) == math.inf
    # Unit a has three images that count a third each: sums after 1, 2, 3, 4, 5 are 1/3, 2/3, 5/3, 2, 3.
    values, names = np.array([1.0, 2, 3, 4, 5]), ['a', 'a', 'b', 'a', 'c']
    assert [quantile(values, names, level) for level in (0.05, 0.1, 0.25, 0.45, 0.5, 0.75)] == [1, 2, 3, 4, 4, 5]
    with pytest.raises(TooFew, match='3 validation images'):
        quantile(values, names, 0.8)


def test_regions_of_few_images_are_plain_distances():
    errors = np.array([[1.0, 5], [2, np.nan], [3, 1], [np.nan, np.nan]])
    found = calibrate(errors, list('abcd'), 0.6, np.zeros((4, 2)))
    # Three of the images are annotated: ceil(.6 * 4) = 3 of 3. Landmark 1 is on two: ceil(.6 * 3) = 2 of 2.
    assert found.each.tolist() == [3, 5] and found.together == 5 and found.promise.units == 3
    each, together = found.radii(np.full((1, 2), 0.3), None)
    assert each.tolist() == [[3, 5]] and together.tolist() == [[5, 5]]
    assert np.isnan(calibrate(errors, list('abcd'), 0.75, np.zeros((4, 2))).each[1])


def drawn(rng, units, images=1, landmarks=5):
    """Errors that grow with doubt and are alike within a unit, doubts, spreads, and units."""
    doubt = rng.uniform(0, 1, (units * images, landmarks))
    spread = rng.gamma(2, 1, doubt.shape)
    own = np.repeat(rng.gamma(5, 0.2, (units, 1)), images, axis=0)
    errors = own * (0.2 + 2 * doubt + spread) * rng.rayleigh(1, doubt.shape)
    return errors, doubt, spread, [f's{number}' for number in np.repeat(np.arange(units), images)]


@pytest.mark.parametrize('units, images', [(15, 1), (29, 2), (150, 1)])
def test_coverage_of_new_units_is_what_the_rank_says(units, images):
    rng = np.random.default_rng(7)
    held = []
    for _ in range(100):
        errors, doubt, spread, names = drawn(rng, units + 40, images)
        cut = units * images
        found = calibrate(errors[:cut], names[:cut], 0.9, doubt[:cut], spread[:cut])
        assert (found.scale is None) == (units < LEARNING)
        each, together = found.radii(doubt[cut:], spread[cut:])
        held.append(((errors[cut:] <= each).mean(), (errors[cut:] <= together).all(1).mean()))
    expected = found.promise.rank / (found.promise.units + 1)
    error = 3 * stats.beta(found.promise.rank, found.promise.units + 1 - found.promise.rank).std() / 10
    assert np.mean(held, axis=0) == pytest.approx([expected] * 2, abs=error + 0.005)


def test_a_learnt_scale_makes_regions_smaller_and_its_learners_calibrate_nothing():
    rng = np.random.default_rng(1)
    errors, doubt, spread, names = drawn(rng, 300)
    learn = learners(names)
    assert learn.sum() == 100 and not learners(names[:LEARNING - 1]).any()
    assert (learners(names[::-1]) == learn[::-1]).all()
    found = calibrate(errors, names, 0.9, doubt, spread)
    assert found.promise.units == 200
    each, _ = found.radii(doubt, spread)
    plain = [quantile(column, names, 0.9) for column in errors.T]
    assert each.mean() < 0.9 * np.mean(plain)
    # Doubt far from any that it was learnt on says no more than the nearest of these.
    assert (found.scales(np.full((1, 5), 90.0), np.full((1, 5), 1e9))
            == found.scales(doubt[learn].max() * np.ones((1, 5)), spread[learn].max() * np.ones((1, 5)))).all()
