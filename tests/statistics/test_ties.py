"""Tie groups: letters by hand, and what must hold of them for any pairs."""

from itertools import combinations

import numpy as np
import pytest
from handmade import analyzed, gamma, planned
from hypothesis import given
from hypothesis import strategies as st

from benchmark.statistics.ties import all_compared, insert_absorb, tie_groups


def contrast(a, b, verdict, family='all pairs', **other):
    return {'family': family, 'endpoint': 'ME', 'scope': 'procedure', 'condition': 'all', 'a': a, 'b': b,
            'verdict': verdict, 'reason': 'one seed only' if verdict == 'not estimable' else None, **other}


def pairs(apart, names, unknown=(), **other):
    def verdict(a, b):
        return ('not estimable' if {a, b} in unknown else 'superior' if (a, b) in apart else
                'inferior' if (b, a) in apart else 'inconclusive')
    return [contrast(a, b, verdict(a, b), **other) for a, b in combinations(names, 2)]


@pytest.mark.parametrize(('apart', 'letters'), [
    ([], dict(a='a', b='a', c='a', d='a')),
    # A chain: neighbours can't be told apart, all others can.
    (['ac', 'ad', 'bd'], dict(a='a', b='ab', c='bc', d='c')),
    (['ac', 'bc', 'ad', 'bd'], dict(a='a', b='a', c='b', d='b')),
    ([*map(''.join, combinations('abcd', 2))], dict(a='a', b='b', c='c', d='d')),
    # The noisy one in the middle is tied with all, and the others are apart.
    (['ac', 'ad', 'cd'], dict(a='a', b='abc', c='b', d='c')),
    # One pair only: two groups of three.
    (['ad'], dict(a='a', b='ab', c='ab', d='b')),
])
def test_letters_by_hand(apart, letters):
    found = tie_groups(pairs([tuple(pair) for pair in apart], 'abcd'), 'abcd', 'all')
    assert found['letters'] == letters
    assert (found['planned'], found['other'], found['without'], found['reason']) == (0, 6, [], None)
    assert found['groups'] == [[name for name in 'abcd' if letter in letters[name]]
                               for letter in sorted({*''.join(letters.values())})]


@given(st.integers(2, 9), st.data())
def test_two_methods_share_a_letter_if_and_only_if_their_pair_is_not_significant(size, data):
    names = [f'm{number}' for number in range(size)]
    apart = {pair for pair in combinations(names, 2) if data.draw(st.booleans())}
    order = data.draw(st.permutations(names))
    found = tie_groups(pairs(apart, names), order, 'all')
    for a, b in combinations(names, 2):
        assert bool({*found['letters'][a]} & {*found['letters'][b]}) == ((a, b) not in apart)
    assert all(found['letters'].values()) and found['letters'][order[0]].startswith('a')
    groups = [{*group} for group in found['groups']]
    assert not any(one < other for one in groups for other in groups)


@given(st.integers(2, 7), st.data())
def test_a_pair_that_was_not_compared_is_no_tie_and_no_difference(size, data):
    names = [f'm{number}' for number in range(size)]
    verdicts = {pair: data.draw(st.sampled_from(['superior', 'inconclusive', 'not estimable']))
                for pair in combinations(names, 2)}
    found = tie_groups([contrast(a, b, verdict) for (a, b), verdict in verdicts.items()], names, 'all')
    with_letters = [*found['letters']]
    assert sorted([*with_letters, *found['without']]) == names and len(with_letters) != 1
    assert all(verdicts[pair] != 'not estimable' for pair in combinations(with_letters, 2))
    assert (found['reason'] is None) == (not found['without'])
    assert found['other'] == len([*combinations(with_letters, 2)])


def test_pairs_that_are_absent_are_as_little_a_tie():
    only_planned = [contrast('p', other, verdict, 'planned')
                    for other, verdict in (('x', 'superior'), ('y', 'inconclusive'), ('z', 'inconclusive'))]
    found = tie_groups(only_planned, 'pxyz', 'all')
    assert (found['letters'], found['groups']) == ({'p': 'a', 'x': 'b'}, [['p'], ['x']])
    assert (found['planned'], found['other'], found['without']) == (1, 0, ['y', 'z'])
    assert found['reason'] == 'not all of their pairs were compared'
    assert all_compared('pxyz', set()) == ['p']


def test_a_planned_pair_is_judged_in_its_family_and_only_there():
    everything = pairs([], 'abc') + pairs([('a', 'c')], 'ac', family='planned')
    assert tie_groups(everything, 'abc', 'all')['letters'] == {'a': 'a', 'b': 'ab', 'c': 'b'}
    assert tie_groups(everything, 'abc', 'all')['planned'] == 1
    # Other endpoints, scopes and conditions say nothing of it.
    for other in (dict(endpoint='FR'), dict(scope='networks'), dict(condition='few')):
        more = pairs([('a', 'b'), ('a', 'c'), ('b', 'c')], 'abc', family='planned', **other)
        assert tie_groups([*pairs([], 'abc'), *more], 'abc', 'all')['letters'] == dict.fromkeys('abc', 'a')


def test_more_groups_than_letters_are_none():
    # Four triples: 81 groups, each with one of every triple.
    names = [f'{one}{two}' for one in 'abcd' for two in 'xyz']
    apart = {frozenset(pair) for pair in combinations(names, 2) if pair[0][0] == pair[1][0]}
    assert insert_absorb(names, apart) is None
    assert len(insert_absorb(names[:9], {pair for pair in apart if pair <= {*names[:9]}})) == 27
    found = tie_groups(pairs([tuple(sorted(pair)) for pair in apart], names), names, 'all')
    assert (found['letters'], found['without']) == ({}, names) and 'more letters than there are' in found['reason']


def test_letters_of_a_table_are_those_of_its_verdicts():
    errors = {'best': gamma(1, 5, 30), 'near': gamma(2, 5, 30, 0.05), 'far': gamma(3, 5, 30, 1.0)}
    content = analyzed(errors, proposed='near')
    assert content['ranking']['order'] == ['best', 'near', 'far']
    assert content['tie_groups'] == {
        'endpoint': 'ME', 'letters': {'best': 'a', 'near': 'a', 'far': 'b'}, 'groups': [['best', 'near'], ['far']],
        'planned': 2, 'other': 1, 'without': [], 'reason': None}
    verdicts = [planned(content, family=family) for family in ('planned', 'all pairs')]
    assert verdicts[0]['near', 'far']['verdict'] == 'superior' and verdicts[1]['best', 'far']['verdict'] == 'superior'
    assert verdicts[0]['near', 'best']['verdict'] == 'inconclusive'


def test_one_seed_gives_no_letters_and_the_reason():
    content = analyzed({name: np.vstack([gamma(place, 1)]) for place, name in enumerate('abc')})
    assert content['tie_groups']['letters'] == {} and sorted(content['tie_groups']['without']) == ['a', 'b', 'c']
    assert content['tie_groups']['reason'].startswith('one seed only')
    mixed = analyzed({'a': gamma(1), 'b': gamma(2, shift=1.0), 'c': gamma(3, 1)})
    assert mixed['tie_groups']['letters'] == {'a': 'a', 'b': 'b'} and mixed['tie_groups']['without'] == ['c']
    assert mixed['tie_groups']['reason'].startswith('one seed only')
    assert analyzed({'a': gamma(1)})['tie_groups'] is None
