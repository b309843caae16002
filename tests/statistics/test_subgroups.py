"""Subgroups and their interactions, by hand."""

import math

import numpy as np
import pytest
from handmade import analyzed, frame, gamma, same
from scipy import stats

from benchmark.statistics import TableError, crossed_contrast, fixed_seeds_contrast, holm


def interaction_by_hand(a, b, inside):
    """(a - b) inside minus outside, over random seeds and images; and the excess of each method's seeds over chance."""
    n_in, n_out = inside.sum(), (~inside).sum()
    difference = (a - b).mean(axis=0)
    shares = difference[inside].var(ddof=1) / n_in, difference[~inside].var(ddof=1) / n_out
    images, weight = sum(shares), shares[0] ** 2 / (n_in - 1) + shares[1] ** 2 / (n_out - 1)
    seeds, own, excesses = 0, 0, []
    for values in (a, b):
        s = len(values)
        between = (values[:, inside].mean(axis=1) - values[:, ~inside].mean(axis=1)).var(ddof=1)
        squares = sum(((part - part.mean(axis=1, keepdims=True) - part.mean(axis=0) + part.mean()) ** 2).sum()
                      for part in (values[:, inside], values[:, ~inside]))
        df = (s - 1) * (n_in + n_out - 2)
        chance = squares / df * (1 / n_in + 1 / n_out)
        excesses.append(between - chance)
        images -= chance / s
        seeds += between / s
        own += (between / s) ** 2 / (s - 1)
        weight += (chance / s) ** 2 / df
    variance = max(0, images) + seeds
    df = max(variance**2 / (own + weight), seeds**2 / own)
    return (difference[inside].mean() - difference[~inside].mean(), math.sqrt(variance), df), excesses


@pytest.mark.parametrize('labels', [['left', 'right'], ['left', 'middle', 'right']])
def test_subgroups_and_their_interactions(labels):
    column = [labels[image % len(labels)] for image in range(20)]
    errors = {'a': gamma(1, 4), 'b': gamma(2, 4, shift=0.2)}
    errors['a'][:2, ::len(labels)] += 0.6  # in two of the four seeds the first stratum is harder
    content = analyzed(frame(errors, group_side=column), proposed='a', groups=['side'])
    block, = content['subgroups']
    assert (block['column'], [one['name'] for one in block['strata']]) == ('side', labels)
    for stratum in block['strata']:
        inside = np.array(column) == stratum['name']
        assert stratum['n_units'] == inside.sum()
        same(stratum['means'], {name: values[:, inside].mean() for name, values in errors.items()})
        for scope, estimate in (('procedure', crossed_contrast), ('networks', fixed_seeds_contrast)):
            one, = (one for one in block['contrasts'] if (one['stratum'], one['scope']) == (stratum['name'], scope))
            expected = estimate(errors['a'][:, inside], errors['b'][:, inside])
            same([one[key] for key in ('estimate', 'se', 'df', 'p')],
                 [float(value) for value in (expected.estimate, expected.se, expected.df, expected.p)])
    # Of two strata the interaction is one number, of more each is set against all others.
    expected_labels, cut = labels if len(labels) > 2 else labels[:1], []
    difference = (errors['a'] - errors['b']).mean(axis=0)
    for scope in ('procedure', 'networks'):
        found = [one for one in block['interactions'] if one['scope'] == scope]
        assert [one['stratum'] for one in found] == expected_labels
        same([one['p_adjusted'] for one in found], holm([one['p'] for one in found]))
        for one in found:
            inside = np.array(column) == one['stratum']
            if scope == 'networks':
                test = stats.ttest_ind(difference[inside], difference[~inside], equal_var=False)
                same([one['estimate'], one['p'], one['df'], one['ci_low'], one['ci_high']],
                     [difference[inside].mean() - difference[~inside].mean(), test.pvalue, test.df,
                      *test.confidence_interval()])
            else:
                expected, excesses = interaction_by_hand(errors['a'], errors['b'], inside)
                same([one[key] for key in ('estimate', 'se', 'df')], expected)
                cut.append(min(excesses) < 0)
    assert any(cut)
    # Seeds that differ in the interaction make it less certain over seeds.
    first = {one['scope']: one['se'] for one in block['interactions'] if one['stratum'] == labels[0]}
    assert first['procedure'] > 1.2 * first['networks']


def test_strata_that_are_too_small_are_named_and_images_of_two_strata_refused():
    column = ['one', *['many'] * 5, *['more'] * 4]
    table = frame({'a': gamma(1, 2, 10), 'b': gamma(2, 2, 10)}, group_side=column)
    content = analyzed(table, proposed='a', groups=['side'])
    assert [one['name'] for one in content['subgroups'][0]['strata']] == ['many', 'more']
    assert any('side: one left out of the subgroups' in note for note in content['notes'])
    table.loc[0, 'group_side'] = 'more'
    with pytest.raises(TableError, match='field group_side: image i000 is in two strata'):
        analyzed(table, proposed='a', groups=['side'])


def test_a_subject_of_two_strata_is_refused():
    table = frame({'a': gamma(1, 2, 6), 'b': gamma(2, 2, 6)}, subject=[*'ppqqrr'], group_side=[*'lrlllr'])
    with pytest.raises(TableError, match=r'field group_side: the images of subject p are in several strata \(l, r\)'):
        analyzed(table, proposed='a', groups=['side'])
