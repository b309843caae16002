"""A planned family that is declared pair by pair."""

from pathlib import Path

import pytest
from handmade import analyzed, gamma, numbers, numbers_of, planned, same

from benchmark.statistics import TableError, crossed_contrast
from benchmark.statistics.rank_tests import holm

SMOKE = Path(__file__).parents[2] / 'mmconfigs/suites/smoke.py'
METHODS = {name: gamma(number, 5) for number, name in enumerate('abcd', 1)}
PAIRS = [('b', 'a'), ('d', 'c')]


def test_the_declared_pairs_are_the_family():
    content = analyzed(METHODS, pairs=PAIRS)
    found = planned(content)
    assert [*found] == PAIRS
    for a, b in PAIRS:
        same(numbers_of(found[a, b]), numbers(crossed_contrast(METHODS[a], METHODS[b])))
    # Holm over two, not over six pairs.
    same([one['p_adjusted'] for one in found.values()], holm([one['p'] for one in found.values()]))


def test_roles_stay_beside_them():
    content = analyzed(METHODS, pairs=PAIRS, proposed='d', reference='c')
    assert [*planned(content)] == PAIRS and (content['proposed'], content['reference']) == ('d', 'c')
    assert {(one['a'], one['b']) for one in content['contrasts'] if one['family'] == 'planned'} == set(PAIRS)


@pytest.mark.parametrize(('declared', 'said'), [
    (dict(pairs='ab'), 'pairs: .* is no list of pairs'), (dict(pairs=[('a',)]), "pairs: .*'a'.* is no pair of two"),
    (dict(pairs=[('a', 'a')]), 'is no pair of two methods'), (dict(pairs=[('a', 'b'), ('b', 'a')]), 'one stands twice'),
    (dict(pairs=[('a', 'b')], proposed='b', reference='a'), 'pairs: has a minus b, the wrong way round')])
def test_what_is_no_family_is_refused(declared, said):
    with pytest.raises(TableError, match=said):
        analyzed(METHODS, **declared)


def test_what_is_left_of_declared_pairs_is_the_family_even_if_it_is_nothing():
    plan = dict(methods=[dict(name=name) for name in 'ab'], analysis=dict(proposed='a', pairs=[('a', 'c'), ('b', 'c')]))
    two = {name: METHODS[name] for name in 'ab'}
    content = analyzed(two, plan)
    assert planned(content) == {}
    said, = (note for note in content['notes'] if 'planned pairs' in note)
    assert said.startswith('2 of the 2 planned pairs are left out, as c is not among the methods: a, b')
    assert [*planned(analyzed(two, plan | dict(analysis=dict(pairs=[('a', 'c'), ('a', 'b')]))))] == [('a', 'b')]
    asked = analyzed(two, plan, proposed='b')
    assert [*planned(asked)] == [('b', 'a')]
    assert any('b against each other one was asked for in their place' in note for note in asked['notes'])


def test_a_suite_names_its_own_methods(tmp_path):
    from benchmark.experiments.errors import SuiteError
    from benchmark.experiments.suite.suite import load_suite
    (tmp_path / 'mine.py').write_text(f"_base_ = {str(SMOKE)!r}\nanalysis = dict(pairs=[('ctd_ed', 'ff')])")
    with pytest.raises(SuiteError, match=r"analysis\.pairs=\('ctd_ed', 'ff'\): the suite has no such method"):
        load_suite(str(tmp_path / 'mine.py'))
    (tmp_path / 'mine.py').write_text(f"_base_ = {str(SMOKE)!r}\nanalysis = dict(pairs=[('ft', 'ctd_ed')])")
    with pytest.raises(SuiteError, match=r"analysis\.pairs=\('ft', 'ctd_ed'\): is the wrong way round: ctd_ed is"):
        load_suite(str(tmp_path / 'mine.py'))
