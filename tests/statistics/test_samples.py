"""Which test images are shown: the rule, its order, its limit."""

import numpy as np
import pandas as pd

from benchmark.statistics.samples import LIMIT, sample_images


def table(errors, landmarks=('a', 'b')):
    """Rows of one seed from methods x images; both landmarks have the image's error."""
    rows = [(method, 0, f'i{i:02d}', name, value, 1.23456, 2.0, 3.0, 4.0)
            for method, values in errors.items() for i, value in enumerate(values) for name in landmarks]
    return pd.DataFrame(rows, columns=['method', 'seed', 'image', 'landmark', 'error', 'x', 'y', 'x_true', 'y_true'])


def kinds(samples):
    return {(one['kind'], one['method'], one['landmark']): sample['image'] for sample in samples
            for one in sample['reasons']}


def test_two_of_each_kind_and_the_extremes_of_methods_and_differences():
    errors = {'p': [*np.linspace(1, 2, 12)], 'r': [*np.linspace(1, 2, 12)]}
    errors['p'][5], errors['r'][7] = 1.0, 1.2  # i05: p far ahead; i07: r far ahead
    found = sample_images(table(errors), ['r', 'p'], 'p', 'r')
    assert [(one['why'], one['image']) for one in found[:6]] == [
        ('worst', 'i11'), ('worst', 'i10'), ('median', 'i07'), ('median', 'i04'), ('best', 'i01'), ('best', 'i00')]
    named = kinds(found)
    assert named['proposed better', 'p', None] == 'i05' and named['reference better', 'r', None] == 'i07'
    assert named['method worst', 'p', None] == 'i11' and named['method best', 'p', None] == 'i05'  # of i00 and i05
    assert named['landmark worst', None, 'a'] == 'i11'
    assert [one['image'] for one in found[6:]] == ['i05']


def test_at_most_24_and_the_proposed_method_goes_first():
    rng = np.random.default_rng(0)
    errors = {f'm{m:02d}': [*rng.uniform(1, 2, 200)] for m in range(40)}
    found = sample_images(table(errors), [*errors], 'm39', 'm38')
    assert len(found) == LIMIT == len({one['image'] for one in found})
    named = kinds(found)
    assert ('method worst', 'm39', None) in named and ('method worst', 'm38', None) in named
    assert ('proposed better', 'm39', None) in named and ('method best', 'm00', None) not in named
    worst = [one['error'] for one in found[6:]]
    assert worst == sorted(worst, reverse=True)


def test_the_order_of_rows_changes_nothing_and_ties_go_by_name():
    errors = {'p': [1.0] * 9, 'r': [1.0] * 9}
    first = sample_images(table(errors), ['p', 'r'], 'p', 'r')
    assert sample_images(table(errors).sample(frac=1, random_state=1).sort_values(
        ['method', 'seed', 'image', 'landmark']), ['p', 'r'], 'p', 'r') == first
    assert first[0]['image'] == 'i00'
    assert not any(one['kind'] in ('proposed better', 'reference better') for s in first for one in s['reasons'])


def test_few_images_and_one_method():
    found = sample_images(table({'p': [1.0, 3.0, 2.0]}), ['p'], 'p', 'r')
    assert [(one['image'], one['why']) for one in found] == [('i01', 'worst'), ('i02', 'between'), ('i00', 'best')]
    assert found[0]['predictions']['p'] == dict(seed=0, error=3.0, points=[[1.235, 2.0]] * 2, errors=[3.0, 3.0])
    assert not any(one['method'] for sample in found for one in sample['reasons'])


def test_nothing_to_draw_without_landmarks_or_coordinates():
    rows = table({'p': [1.0]})
    assert sample_images(rows.drop(columns='landmark'), ['p']) == []
    assert sample_images(rows.drop(columns='x_true'), ['p']) == []
