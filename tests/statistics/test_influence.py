"""Single images that carry a mean, and normalising distances far below the others', by hand."""

import pandas as pd
import pytest

from benchmark.statistics import analyze, validate

KINDS = ('one image carries a mean', 'short normalising distance')


def content(errors, normalisers=None, subjects=None, seeds=2):
    """Methods' errors by image, the same in each seed but for a little; what the analysis says of them."""
    found = [dict(method=method, seed=seed, image=f'i{i}', error=error * (1 + 0.001 * seed * (i % 3)),
                  **({} if normalisers is None else dict(normalizer=normalisers[i])),
                  **({} if subjects is None else dict(subject=subjects[i])))
             for method, values in errors.items() for seed in range(seeds) for i, error in enumerate(values)]
    found = analyze(validate(pd.DataFrame(found)), draws=100, unit='px')
    return found, [one for one in found['alerts'] if one['kind'] in KINDS]


def test_an_image_that_weighs_more_than_all_others_is_named_and_kept():
    full, said = content({'a': [1, 1, 1, 1, 10], 'b': [1.1, 1.2, 1, 1, 4.2]})
    assert [one['kind'] for one in said] == ['one image carries a mean']
    assert 'image i4 makes up more than half of the sum of ME over 5 images' in said[0]['text']
    assert 'a 10.005 px (mean 2.801, 1.000 without it)' in said[0]['text'] and 'b ' not in said[0]['text']
    assert full['methods']['a']['endpoints']['ME']['mean'] == pytest.approx(2.801, abs=1e-3)


@pytest.mark.parametrize('errors', [[1, 1, 1, 1, 3.9], [0, 0, 0, 9], [2] * 6])
def test_what_is_no_more_than_half_or_among_few_is_not(errors):
    assert content({'a': errors, 'b': [1] * len(errors)})[1] == []


def test_a_subject_takes_the_images_place():
    subjects = ['p', 'p', 'q', 'r', 's', '']
    text = content({'a': [30, 20, 1, 1, 1, 1], 'b': [1] * 6}, subjects=subjects)[1][0]['text']
    assert text.startswith('subject p makes up')
    text = content({'a': [1, 1, 1, 1, 1, 30], 'b': [1] * 6}, subjects=subjects)[1][0]['text']
    assert text.startswith('subject i5 makes up')


def test_a_face_in_profile_is_named_with_what_it_does_to_the_nme():
    _, said = content({'a': [1, 1.1, 1, 1, 1.2], 'b': [1, 1, 1, 1, 1]}, normalisers=[40, 41, 39, 40, 0.5])
    kinds = {one['kind']: one['text'] for one in said}
    assert set(kinds) == set(KINDS)
    assert 'in 1 of 5 test images: i4 (1.2 % of the median)' in kinds['short normalising distance']
    assert 'NME' in kinds['one image carries a mean'] and 'i4' in kinds['one image carries a mean']
    assert content({'a': [1] * 5, 'b': [1.1] * 5}, normalisers=[40, 41, 39, 40, 14])[1] == []
