"""The crossed mixed model: lme4's numbers on complete tables, a dense likelihood on incomplete ones."""

import numpy as np
import pytest
from in_r import REFERENCE, close
from scipy import optimize

from benchmark.statistics.mixed import enough, mixed_contrast

CROSSED = REFERENCE['crossed']


def scores(draw, images=12, seeds=(3, 4), missing=0.2, seed_sd=0.1, interaction_sd=0.15):
    rng = np.random.default_rng(draw)
    common = rng.normal(1, 0.4, images)
    tables = [common + rng.normal(0, interaction_sd, images) + rng.normal(0, seed_sd, (count, 1))
              + rng.normal(0, 0.2, (count, images)) for count in seeds]
    for table in tables:
        table[rng.random(table.shape) < missing] = np.nan
    return tables


def dense(tables):
    """Deviance of the variances (image, seed, method by image, residual), by the whole covariance matrix."""
    rows = [(method, seed, image, table[seed, image]) for method, table in enumerate(tables)
            for seed, image in np.argwhere(np.isfinite(table))]
    method, seed, image, y = (np.array(column) for column in zip(*rows, strict=True))
    kinds = [np.equal.outer(key, key) for key in (image, method * 100 + seed, method * 1000 + image)]
    x = np.eye(2)[method]

    def at(variances):
        whole = variances[3] * np.eye(len(y))
        for size, kind in zip(variances[:3], kinds, strict=True):
            whole = whole + size * kind
        inverse = np.linalg.inv(whole)
        inner = x.T @ inverse @ x
        means = np.linalg.solve(inner, x.T @ inverse @ y)
        rest = y - x @ means
        deviance = (np.linalg.slogdet(whole)[1] + np.linalg.slogdet(inner)[1] + rest @ inverse @ rest
                    + (len(y) - 2) * np.log(2 * np.pi))
        spread = np.linalg.inv(inner)
        return deviance, means[0] - means[1], np.sqrt(spread[0, 0] + spread[1, 1] - 2 * spread[0, 1])

    return at


def variances_of(found):
    return [found.variances[name] for name in ('image', 'seed', 'method_by_image', 'residual')]


def test_the_nested_model_has_the_numbers_of_lmer():
    case = CROSSED['nested']
    y, expected = np.array(case['y']), case['contrasts'][0]['lmer']
    found = mixed_contrast(y[1], y[0], 'nested')
    close([found.estimate, found.se, found.df, *found.interval(0.95)],
          [*(expected[name] for name in ('estimate', 'se', 'df')), *expected['interval_95']], 1e-6)
    close(variances_of(found), [case['components'][name] for name in (
        'image', 'method_by_seed', 'method_by_image', 'residual')], 1e-6)


def test_the_paired_model_has_the_numbers_of_lmer():
    case = CROSSED['paired']
    y, expected = np.array(case['y']), case['contrast']['lmer']
    found = mixed_contrast(y[1], y[0], 'paired')
    close([found.estimate, found.se, found.df, *found.interval(0.95)],
          [*(expected[name] for name in ('estimate', 'se', 'df')), *expected['interval_95']], 1e-6)
    close([found.variances[name] for name in ('seed', 'image', 'residual')],
          [case['components'][name] for name in ('seed', 'image', 'residual')], 1e-6)


@pytest.mark.parametrize('draw', [0, 3])
def test_an_incomplete_table_has_the_minimum_of_the_dense_likelihood(draw):
    tables = scores(draw)
    found, deviance = mixed_contrast(*tables, 'nested'), dense(tables)
    close([found.deviance, found.estimate, found.se], deviance(variances_of(found)), 1e-9)
    searched = optimize.minimize(lambda logs: deviance(np.exp(logs))[0], np.log([0.1, 0.02, 0.02, 0.05]),
                                 method='Nelder-Mead', options=dict(fatol=1e-9, xatol=1e-5, maxfev=2000))
    assert found.deviance <= searched.fun + 1e-6
    assert found.n_scores == sum(np.isfinite(table).sum() for table in tables) and found.n_images == 12


def test_a_component_at_0_is_the_minimum_on_the_edge():
    # Seeds that are equal but for the residual: their variance is 0, and more of it is worse.
    tables = scores(5, images=30, seed_sd=0.0)
    for table in tables:
        table -= np.nanmean(table - np.nanmean(table, axis=0), axis=1, keepdims=True)
    found, deviance = mixed_contrast(*tables, 'nested'), dense(tables)
    assert found.variances['seed'] == 0
    best = variances_of(found)
    for place, size in ((1, 1e-4), (1, 1e-2), (0, 1e-3), (2, 1e-3), (3, 1e-3)):
        for step in (size, -size):
            near = [value + step * (number == place) for number, value in enumerate(best)]
            assert near[place] < 0 or deviance(near)[0] > found.deviance


def test_the_order_of_seeds_images_and_methods_and_the_unit_change_nothing():
    a, b = scores(2)
    found, rng = mixed_contrast(a, b, 'nested'), np.random.default_rng(0)
    images = rng.permutation(a.shape[1])
    other = mixed_contrast(b[::-1][:, images], a[[2, 0, 1]][:, images], 'nested')
    close([-other.estimate, other.se, other.df], [found.estimate, found.se, found.df], 1e-5)
    scaled = mixed_contrast(25 * a + 7, 25 * b + 7, 'nested')
    close([scaled.estimate / 25, scaled.se / 25, scaled.df], [found.estimate, found.se, found.df], 1e-5)


def test_what_can_not_be_fitted_is_none():
    a, b = scores(1)
    assert mixed_contrast(a[:1], b, 'nested') is None
    gone = b.copy()
    gone[:, 1:] = np.nan
    assert mixed_contrast(a, gone, 'nested') is None
    assert mixed_contrast(np.ones((3, 5)), np.ones((3, 5)), 'nested') is None
    assert mixed_contrast(a, a.copy(), 'paired') is None


@pytest.mark.parametrize('design', ['nested', 'paired'])
@pytest.mark.parametrize('own', [0.0, 0.3], ids=['a constant apart', 'images apart'])
def test_seeds_that_are_copies_leave_no_residual_and_no_answer(design, own):
    rng = np.random.default_rng(0)
    image = rng.gamma(2, size=20)
    a, b = (np.tile(image + shift + own * rng.normal(size=20), (3, 1)) for shift in (0.0, 0.1))
    a[0, 3] = a[0, 5] = np.nan
    assert enough(a, b, design) and mixed_contrast(a, b, design) is None
