"""Named seeds: which vary, which are shared by the methods, which are fixed."""

import pytest

from benchmark.experiments.suite.fields import Mistake
from benchmark.experiments.suite.seeds import PURPOSES, Seeding, derive_seeds

ALL = Seeding().purposes()


def test_each_purpose_has_a_seed_of_its_own():
    seeds = derive_seeds(0, 'ft', ALL)
    assert tuple(seeds) == PURPOSES and len(set(seeds.values())) == len(PURPOSES)
    assert seeds == derive_seeds(0, 'ft', ALL)
    assert all(0 <= s < 2 ** 31 for s in seeds.values())


def test_what_varies_is_each_methods_own():
    assert not set(derive_seeds(1, 'ft', ALL).values()) & set(derive_seeds(1, 'fe', ALL).values())
    assert not set(derive_seeds(1, 'ft', ALL).values()) & set(derive_seeds(2, 'ft', ALL).values())


def test_what_is_shared_is_the_same_to_all_methods_and_another_for_each_seed():
    declared = Seeding(split='shared').purposes()
    ft, fe, later = (derive_seeds(s, m, declared) for s, m in ((1, 'ft'), (1, 'fe'), (2, 'ft')))
    assert ft['split'] == fe['split'] != later['split']
    assert ft['init'] != fe['init']


def test_what_is_fixed_keeps_its_seed():
    declared = Seeding(all='fixed', init='varies').purposes()
    a, b = (derive_seeds(s, m, declared) for s, m in ((0, 'ft'), (1, 'fe')))
    assert a['init'] != b['init'] and all(a[p] == b[p] for p in PURPOSES if p != 'init')


@pytest.mark.parametrize(('declared', 'expected'), [
    ({}, 'nested'), (dict(all='shared'), 'paired'), (dict(split='shared'), 'paired'), (dict(split='fixed'), 'nested')])
def test_the_design_follows(declared, expected):
    assert Seeding(**declared).design == expected


@pytest.mark.parametrize(('bad', 'message'), [
    (dict(spilt='varies'), r'unknown field seeding\.spilt\. Known fields here: split, '),
    (dict(init='sometimes'), "seeding.init='sometimes' is unknown. Choose one of: varies, shared, fixed")])
def test_refused(bad, message):
    with pytest.raises(Mistake, match=message):
        Seeding.read(bad, 'seeding')


def test_a_conditions_own_seeding_goes_before_the_suites():
    suites = Seeding(all='shared', split='fixed')
    own = Seeding.read(dict(init='varies'))
    assert own.within(suites).purposes() == dict(init='varies', order='shared', augmentation='shared', split='fixed')
    whole = Seeding.read(dict(all='fixed', init='varies'))
    assert whole.within(suites).purposes() == dict(init='varies', order='fixed', augmentation='fixed', split='fixed')
