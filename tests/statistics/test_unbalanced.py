"""Tables in which runs lack images: the mixed model's answer beside that of the complete images."""

import numpy as np
import pytest
from handmade import analyzed, frame, gamma, same

from benchmark.statistics.mixed import mixed_contrast

ERRORS = {'ours': gamma(1, 4, 24, -0.2), 'ft': gamma(2, 4, 24), 'hg': gamma(3, 3, 24, 0.3)}


def lacking(errors, gone):
    """The table without the rows of (method, seed, image) for which ``gone`` is true."""
    table = frame(errors)
    return table[[not gone(row.method, row.seed, int(row.image[1:])) for row in table.itertuples()]]


def partial(errors, gone):
    found = {name: values.copy() for name, values in errors.items()}
    for name, values in found.items():
        for seed, image in np.ndindex(values.shape):
            if gone(name, seed, image):
                values[seed, image] = np.nan
    return found


def some(method, seed, image):
    return method == 'hg' and image < 6 and seed < 2


@pytest.mark.parametrize('design', ['nested', 'paired'])
def test_both_answers_are_those_of_the_model(design):
    errors = ERRORS if design == 'nested' else {name: values[:3] for name, values in ERRORS.items()}
    content = analyzed(lacking(errors, some), proposed='ours', design=design)
    block, there = content['unbalanced'], partial(errors, some)
    assert (block['n_complete'], block['n_images'], content['counts']['images']) == (18, 24, 18)
    assert [(one['a'], one['b'], one['endpoint']) for one in block['items']] == [
        ('ours', 'ft', 'ME'), ('ours', 'hg', 'ME')]
    for one in block['items']:
        for name, first in (('every', 0), ('complete', 6)):
            found = mixed_contrast(*(there[method][:, first:] for method in (one['a'], one['b'])), design)
            same([one[name][key] for key in ('estimate', 'se', 'df', 'ci_low', 'ci_high')],
                 [found.estimate, found.se, found.df, *found.interval(0.95)])
        assert one['every']['n_images'] == 24 and one['complete']['n_images'] == 18


def test_what_is_missing_for_other_methods_only_does_not_weaken_a_pair():
    # ours and ft are complete: over all 24 images the model says what the whole table says.
    block = analyzed(lacking(ERRORS, some), proposed='ours')['unbalanced']['items'][0]
    whole = mixed_contrast(ERRORS['ours'], ERRORS['ft'], 'nested')
    same([block['every'][key] for key in ('estimate', 'se', 'n_scores')], [whole.estimate, whole.se, 192])


def test_the_line_says_whether_the_answers_differ():
    same_answer = analyzed(lacking(ERRORS, some), proposed='ours')['unbalanced']['items'][1]['text']
    assert 'on the complete images' in same_answer and same_answer.endswith(
        'change little. That only one interval has zero is due to the rules of the test and of the model.')
    # The images left out are those on which ours is far better.
    far = {**ERRORS, 'ft': ERRORS['ft'] + 3.0 * (np.arange(24) < 6)}
    block = analyzed(lacking(far, some), proposed='ours')['unbalanced']['items'][0]
    assert 'so the answer hangs on what was left out' in block['text'] or 'unlike the others' in block['text']
    assert block['every']['estimate'] < block['complete']['estimate'] - 0.5


@pytest.mark.parametrize(('given', 'choices'), [
    (lambda: frame(ERRORS), dict(proposed='ours')), (lambda: lacking(ERRORS, some), {}),
    (lambda: lacking(ERRORS, lambda *key: some(*key) and key[2] < 2), dict(proposed='ours', missing_cap=9.0)),
    (lambda: lacking(ERRORS, some).assign(subject=lambda t: t['image'].str[:3]), dict(proposed='ours'))],
    ids=['complete', 'nothing planned', 'filled in', 'subjects'])
def test_there_is_none_where_it_says_nothing(given, choices):
    assert analyzed(given(), **choices)['unbalanced'] is None


def test_one_seed_is_said():
    errors = {**ERRORS, 'hg': ERRORS['hg'][:1]}
    block = analyzed(lacking(errors, some), proposed='ours')['unbalanced']['items'][1]
    assert block['every'] is None and 'needs two seeds and two images of each method' in block['text']


@pytest.mark.parametrize('design', ['nested', 'paired'])
def test_no_spread_is_said_and_not_taken_for_few_seeds(design):
    copies = {name: np.tile(ERRORS['ft'][0] + shift, (3, 1)) for name, shift in (('ours', 0.0), ('hg', 0.1))}
    block = analyzed(lacking(copies, some), proposed='ours', design=design)['unbalanced']['items'][0]
    assert block['every'] is None and 'no residual spread' in block['text'] and 'nan' not in block['text']


def test_an_interval_that_there_is_not_is_not_printed():
    # On the complete images hg is a copy of ours; the others tell seeds apart.
    errors = {'ours': ERRORS['ours'], 'hg': ERRORS['hg'].copy()}
    errors['ours'] = errors['ours'].copy()
    for values in errors.values():
        values[:, 6:] = ERRORS['ft'][0, 6:]
    block = analyzed(lacking(errors, some), proposed='ours')['unbalanced']['items'][0]
    assert block['complete'] is None and block['every'] is not None
    assert 'nan' not in block['text'] and block['text'].endswith('no answer to set beside it.')


def test_few_complete_images_tell_nothing_of_the_others():
    def most(method, seed, image):
        return method == 'hg' and seed == 0 and image >= 3

    block = analyzed(lacking(ERRORS, most), proposed='ours')['unbalanced']['items'][1]
    assert block['complete']['n_images'] == 3
    assert block['text'].endswith('too few complete images to tell whether those left out are like them.')
