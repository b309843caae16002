"""Agreement of measurements, by hand."""

import math

import numpy as np
import pandas as pd
from handmade import analyzed, same
from scipy import stats

from benchmark.statistics import crossed_mean


def placed(errors_px, factor):
    """Predictions of two landmarks per image: the second is too far right by errors_px, method -> (S, N)."""
    rows = []
    for method, values in errors_px.items():
        for seed, own in enumerate(values):
            for image, error in enumerate(own):
                for landmark, x_true, x in (('left', 10.0, 10.0), ('right', 30.0 + image, 30.0 + image + error)):
                    rows.append((method, seed, f'i{image:03}', landmark, abs(x - x_true),
                                 abs(x - x_true) * factor[image], x, 20.0, x_true, 20.0))
    return pd.DataFrame(rows, columns=['method', 'seed', 'image', 'landmark', 'error', 'error_mm', 'x', 'y', 'x_true',
                                       'y_true'])


MEASURED = {'data': {'measurements': {'width': ['left', 'right']}}}


def test_agreement_of_measurements_in_millimetres():
    rng = np.random.default_rng(0)
    errors = {'a': 0.5 + rng.normal(0, 1, (1, 12)), 'b': rng.normal(0, 2, (3, 12))}
    factor = np.where(np.arange(12) % 2, 0.25, 0.5)
    content = analyzed(placed(errors, factor), MEASURED, draws=400)
    assert content['agreement']['unit'] == 'mm'
    one, many = content['agreement']['items']
    assert (one['measurement'], one['landmarks'], one['method']) == ('width', ['left', 'right'], 'a')
    difference = errors['a'][0] * factor
    sd, t = difference.std(ddof=1), stats.t.ppf(0.975, 11)
    same([one['bias'], one['sd'], one['lower'], one['upper']],
         [difference.mean(), sd, *(difference.mean() + np.array([-1, 1]) * stats.norm.ppf(0.975) * sd)])
    same([one['bias_low'], one['bias_high']], [*(difference.mean() + np.array([-1, 1]) * t * sd / math.sqrt(12))])
    same([many['bias'], many['bias_low'], many['bias_high']],
         [(errors['b'] * factor).mean(), *map(float, crossed_mean(errors['b'] * factor).interval())])
    true = (20.0 + np.arange(12)) * factor
    for item, name in ((one, 'a'), (many, 'b')):
        expected = []
        for own in errors[name]:
            ratings = np.stack([true + own * factor, true], axis=1)
            # Lin's coefficient with unbiased moments, corrected by the variance of the difference of means: ICC(A,1).
            cov = np.cov(ratings.T)
            shift = (ratings[:, 0] - ratings[:, 1]).mean() ** 2
            noise = (cov[0, 0] + cov[1, 1] - 2 * cov[0, 1]) / 12
            expected.append(2 * cov[0, 1] / (cov[0, 0] + cov[1, 1] + shift - noise))
        same(item['icc']['per_seed'], expected)
        same(item['icc']['estimate'], np.mean(expected))
        assert item['icc']['ci_low'] < np.mean(expected) <= item['icc']['ci_high'] <= 1
        assert (item['n_images'], item['n_seeds']) == (12, len(errors[name]))


def test_agreement_is_in_pixels_where_the_spacing_is_unknown():
    errors = {'a': np.random.default_rng(0).normal(0, 1, (2, 6))}
    table = placed(errors, np.ones(6)).drop(columns='error_mm')
    content = analyzed(table, MEASURED)
    assert content['agreement']['unit'] == 'image px'
    same(content['agreement']['items'][0]['bias'], errors['a'].mean())
    assert analyzed(table)['agreement'] is None
    assert analyzed(table.drop(columns=['x_true']), MEASURED)['agreement'] is None


def test_agreement_has_subjects_as_its_units():
    errors = {'a': np.random.default_rng(0).normal(0, 1, (1, 6))}
    once = analyzed(placed(errors, np.ones(6)), MEASURED)['agreement']['items'][0]
    table = placed(errors, np.ones(6))
    twice = pd.concat([table.assign(subject=table['image']),
                       table.assign(subject=table['image'], image=table['image'] + ' again')])
    found = analyzed(twice, MEASURED)['agreement']['items'][0]
    same([found['bias_low'], found['bias_high']], [once['bias_low'], once['bias_high']])


def test_a_measurement_that_can_not_be_taken_is_named():
    errors = {'a': np.random.default_rng(0).normal(0, 1, (1, 6))}
    plan = {'data': {'measurements': {'width': ['left', 'right'], 'height': ['left', 'top']}}}
    content = analyzed(placed(errors, np.ones(6)), plan)
    assert [item['measurement'] for item in content['agreement']['items']] == ['width']
    assert any('height' in note for note in content['notes'])
