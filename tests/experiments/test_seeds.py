"""Named seeds."""

import pytest

from benchmark.experiments.seeds import PURPOSES, derive_seeds


def test_each_purpose_has_a_seed_of_its_own():
    seeds = derive_seeds(0, 'ft')
    assert tuple(seeds) == PURPOSES and len(set(seeds.values())) == len(PURPOSES)
    assert seeds == derive_seeds(0, 'ft')
    assert all(0 <= s < 2 ** 31 for s in seeds.values())


def test_nested_and_paired():
    assert derive_seeds(1, 'ft') != derive_seeds(1, 'fe')
    assert derive_seeds(1, 'ft', 'paired') == derive_seeds(1, 'fe', 'paired')
    assert not set(derive_seeds(1, 'ft').values()) & set(derive_seeds(2, 'ft').values())


def test_what_does_not_vary_keeps_its_seed():
    a, b = (derive_seeds(s, 'ft', vary=('init',)) for s in (0, 1))
    assert a['init'] != b['init'] and all(a[p] == b[p] for p in PURPOSES if p != 'init')


@pytest.mark.parametrize(('bad', 'message'), [(dict(design='crossed'), "design='crossed'"),
                                              (dict(vary=('weather',)), "'weather' is unknown")])
def test_refused(bad, message):
    with pytest.raises(ValueError, match=message):
        derive_seeds(0, 'ft', **bad)
