"""Crossed models, agreement and planning against published numbers and R (r/reference.R)."""

import math

import numpy as np
import pytest
from in_r import REFERENCE, cases, close, same_estimate
from scipy import stats

from benchmark.statistics import Block, Estimate, Options, crossed_contrast, crossed_mean, fixed_seeds_mean
from benchmark.statistics.agreement import bland_altman, icc, icc_agreement
from benchmark.statistics.components import Components, contrast_components, overall
from benchmark.statistics.crossed import mean_squares
from benchmark.statistics.power import effect

TOY_0 = [[1, 2, 3, 4], [1.2, 2.1, 3.3, 4.2], [0.9, 2.2, 2.9, 4.4]]
TOY_1 = [[0.8, 1.7, 2.9, 3.5], [1, 1.9, 2.6, 3.9], [0.7, 1.6, 2.8, 3.7]]


def by_t(one):
    """The estimate with p and interval of R's models: t with Satterthwaite's degrees of freedom."""
    return Estimate(one.estimate, one.se, one.df)


def test_the_worked_example_of_the_analysis_plan():
    one = crossed_contrast(np.array(TOY_1), np.array(TOY_0))
    assert float(one.estimate) == pytest.approx(-0.3416667, abs=5e-8)
    # With four images the t test of the plan bounds what the parts say.
    assert [float(value) for value in one.least] == pytest.approx([0.0718473, 2.3102], abs=5e-5)
    assert float(one.least[0]) == pytest.approx(0.0718473, abs=5e-8)
    assert float(one.parts.p(one.estimate)) < float(one.p) == pytest.approx(0.0310703, abs=5e-8)


@cases('icc_a1')
def test_icc_agrees_with_the_analysis_of_variance(case):
    ratings = np.array(case['y'], float)
    close(icc_agreement(ratings), case['icc'])
    squares = mean_squares(ratings.T)
    close([squares.image, squares.seed, squares.residual], [case['ms_target'], case['ms_judge'], case['ms_residual']])


def test_icc_of_shrout_and_fleiss_is_the_printed_one():
    # Shrout and Fleiss (1979), table 4: ICC(2,1) = .29
    assert round(icc_agreement(np.array(REFERENCE['icc_a1']['shrout_fleiss_1979']['y'], float)), 2) == 0.29


def test_icc_interval_of_one_network_is_near_that_of_mcgraw_and_wong():
    case = REFERENCE['icc_a1']['targets_20x2']
    predicted, true = np.array(case['y'], float).T
    found, = icc([('a', predicted[None], true)], Options(draws=2000))
    close(found['estimate'], case['icc'])
    assert found['per_seed'] == [pytest.approx(case['icc'])]
    assert [found['ci_low'], found['ci_high']] == pytest.approx(case['interval_95'], abs=0.05)


def test_bland_altman_with_one_seed_is_the_classical_analysis():
    predicted, true = np.array(REFERENCE['icc_a1']['targets_20x2']['y'], float).T
    found = bland_altman(predicted[None], true)
    difference = predicted - true
    n, sd = len(difference), difference.std(ddof=1)
    t = stats.t.ppf(0.975, n - 1)
    bias, z = difference.mean(), stats.norm.ppf(0.975)
    close([found['bias'], found['sd']], [bias, sd])
    close([found['bias_low'], found['bias_high']], [bias - t * sd / math.sqrt(n), bias + t * sd / math.sqrt(n)])
    # Bland and Altman (1999): Var(bias -+ z SD) = SD^2 (1/n + z^2 / (2 (n - 1)))
    se = sd * math.sqrt(1 / n + z**2 / (2 * (n - 1)))
    for side, limit in (('lower', bias - z * sd), ('upper', bias + z * sd)):
        close([found[side], found[f'{side}_low'], found[f'{side}_high']], [limit, limit - t * se, limit + t * se])


def test_bland_altman_of_several_seeds_has_the_sd_of_a_single_network():
    case = REFERENCE['crossed']['nested']
    predicted = np.array(case['y'][0])
    found = bland_altman(predicted, np.zeros(predicted.shape[1]))
    # Sum of the three variance components: what one network's difference on one image has.
    squares = mean_squares(predicted)
    total = squares.image_variance + squares.seed_variance + squares.residual
    close(found['sd'], math.sqrt(total))
    low, high = crossed_mean(predicted).interval(0.95)
    close([found['bias'], found['bias_low'], found['bias_high']], [predicted.mean(), low, high])


def test_the_effect_that_is_found_agrees_with_noncentral_t():
    grid = REFERENCE['power']['noncentral_t']
    for ncp, df, critical, below, tail in zip(grid['ncp'], grid['df'], grid['t_critical'], grid['cdf_at_critical'],
                                              grid['cdf_at_minus_critical'], strict=True):
        close(stats.t.isf(0.025, df), critical)
        found = stats.nct.cdf([critical, -critical], df, ncp)
        assert found == pytest.approx([below, tail], abs=1e-10)
    for df in (2, 2.31, 5, 9.7, 39, 400):
        shift = effect(df, 0.05)
        points = [(n, b) for n, d, b in zip(grid['ncp'], grid['df'], grid['cdf_at_critical'], strict=True) if d == df]
        # In R's grid the power on the right side passes 80 % between the neighbours of the effect.
        assert all(1 - b < 0.8 for n, b in points if n < shift) and all(1 - b > 0.8 for n, b in points if n > shift)


@pytest.mark.parametrize('case', REFERENCE['power']['one_sample'], ids=lambda case: f'n {case["n"]}')
def test_the_detectable_difference_agrees_with_power_t_test(case):
    # Without seeds a contrast is a one-sample t test of the images. R counts rejections on the wrong side too, and so
    # finds a difference that is smaller by a millionth.
    parts = Components(interaction=case['sd'] ** 2, residual=0.0, seed=0.0, terms=2)
    assert 0 <= parts.detectable(3, case['n']) / case['delta_for_80'] - 1 < 2e-6
    assert 0 <= parts.floor(case['n']) / case['delta_for_80'] - 1 < 2e-6
    assert parts.image_floor(3) == 0
    # Without images it is a t test of the seeds, of two groups or of differences.
    paired = Components(interaction=0.0, residual=0.0, seed=case['sd'] ** 2, terms=1)
    assert 0 <= paired.detectable(case['n'], 50) / case['delta_for_80'] - 1 < 2e-6
    assert 0 <= paired.image_floor(case['n']) / case['delta_for_80'] - 1 < 2e-6


def test_the_nested_contrast_agrees_with_separate_variances_in_r():
    for case in (REFERENCE['crossed']['nested'], REFERENCE['crossed']['three']):
        y = np.array(case['y'])
        for contrast in case['contrasts']:
            a, b = y[int(contrast['a'][1])], y[int(contrast['b'][1])]
            expected = contrast['separate']
            same_estimate(by_t(crossed_contrast(a, b)), expected, 1e-10)
            for side, values in (('a', a), ('b', b)):
                squares = mean_squares(values)
                close([squares.seed, squares.residual], [expected[f'ms_seed_{side}'], expected[f'ms_residual_{side}']])


def test_the_nested_contrast_has_the_standard_error_of_lmer():
    # With two methods lmer pools their variances: the same V, other degrees of freedom. With three it pools all.
    contrast = REFERENCE['crossed']['nested']['contrasts'][0]
    y = np.array(REFERENCE['crossed']['nested']['y'])
    one = crossed_contrast(y[1], y[0])
    close([one.estimate, one.se, one.t], [contrast['lmer'][name] for name in ('estimate', 'se', 't')], 1e-6)
    close([one.estimate, one.se, one.t], [contrast['pooled'][name] for name in ('estimate', 'se', 't')])


def test_the_paired_contrast_agrees_with_lmer():
    case = REFERENCE['crossed']['paired']
    y = np.array(case['y'])
    one = crossed_contrast(y[1], y[0], 'paired')
    same_estimate(by_t(one), case['contrast']['lmer'], 1e-6)
    same_estimate(by_t(one), case['contrast']['pooled'], 1e-10)
    same_estimate(by_t(crossed_mean(y[1] - y[0])), case['contrast']['pooled'], 1e-10)
    squares = mean_squares(y[1] - y[0])
    close([squares.seed, squares.image, squares.residual],
          [case['mean_squares'][name] for name in ('seed', 'image', 'residual')])
    close([squares.seed_variance, squares.image_variance, squares.residual],
          [case['components'][name] for name in ('seed', 'image', 'residual')], 1e-6)


@pytest.mark.parametrize('name', ['nested', 'three'])
def test_the_variance_components_agree_with_lmer(name):
    case = REFERENCE['crossed'][name]
    blocks = [Block(values) for values in np.array(case['y'])]
    found = overall(blocks)
    expected = case['components']
    close([found[key] for key in ('image', 'method_by_image', 'seed', 'residual')],
          [expected[key] for key in ('image', 'method_by_image', 'method_by_seed', 'residual')], 1e-6)
    s, n = len(blocks[0].values), blocks[0].n_images
    squares = case['mean_squares']
    close([found['residual'], found['seed'], found['method_by_image'], found['image']],
          [squares['residual'], (squares['method_by_seed'] - squares['residual']) / n,
           (squares['method_by_image'] - squares['residual']) / s,
           (squares['image'] - squares['method_by_image']) / (s * len(blocks))])
    close([block.values.mean() for block in blocks], case['method_means'])


@pytest.mark.parametrize('design', ['nested', 'paired'])
def test_the_planner_at_the_data_at_hand_gives_the_standard_error_of_lmer(design):
    case = REFERENCE['crossed'][design]
    contrast = case['contrasts'][0] if design == 'nested' else case['contrast']
    y = np.array(case['y'])
    parts = contrast_components(Block(y[1]), Block(y[0]), design)
    close(math.sqrt(parts.variance(*y.shape[1:])), contrast['lmer']['se'], 1e-6)


def test_the_mean_of_fixed_networks_is_a_one_sample_t_test():
    y = np.array(REFERENCE['crossed']['nested']['y'][0])
    one, expected = fixed_seeds_mean(y), stats.ttest_1samp(y.mean(axis=0), 0)
    close([one.t, one.p, one.df], [expected.statistic, expected.pvalue, expected.df])
    close(one.interval(0.9), [*expected.confidence_interval(0.9)])
