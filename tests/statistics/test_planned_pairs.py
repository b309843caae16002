"""Planned pairs whose methods differ in several things are remarked, those that differ in one thing are not."""

import pytest

from benchmark.statistics import pairs
from benchmark.statistics.pairs import differ_in, remarks

ABOUT = dict(ft=('FT', 'fine-tuning', 'a', 'ResNet-18'), ed=('ED', 'held', 'a', 'ResNet-18'),
             ft_b=('FT B', 'fine-tuning', 'b', 'ResNet-18'), ed_b=('ED B', 'held', 'b', 'ResNet-18'),
             mobile=('FT M', 'fine-tuning', 'c', 'MobileNetV1'), hg=('HG', 'hourglass', None, 'Hourglass'),
             scratch=('S', 'scratch', None, 'ResNet-18'), scratch_m=('S M', 'scratch', None, 'MobileNetV1'))


def plan(*declared, **settings):
    return dict(
        methods=[dict(name=name, label=label, description=text) for name, (label, text, *_) in ABOUT.items()],
        runs=[dict(method=name, source_hash=source) for name, (_, _, source, _) in ABOUT.items()],
        conditions=[dict(name='all', label='all labels')], analysis=dict(pairs=[*declared]),
        settings={label: dict(network=network) for label, _, _, network in ABOUT.values()} | settings)


@pytest.mark.parametrize(('pair', 'words'), [
    (('ed', 'ft'), None), (('ft_b', 'ft'), None), (('ft', 'scratch'), None), (('scratch_m', 'scratch'), None),
    (('ed_b', 'ft'), 'source'), (('mobile', 'ft'), 'source and network'), (('ed', 'mobile'), 'source and network'),
    (('hg', 'ft'), 'network'), (('ft', 'scratch_m'), 'network')])
def test_more_than_one_thing(pair, words):
    assert differ_in(plan(pair), [pair, ('absent', 'ft')]) == ({pair: words} if words else {})
    assert len(remarks(plan(pair))) == bool(words)


def test_a_network_is_that_of_the_main_condition():
    pair = 'ed', 'ft'
    assert differ_in(plan(pair, **{'ED, all labels': dict(network='ResNet-50')}), [pair]) == {pair: 'network'}
    assert differ_in(plan(pair, **{'ED, 20 labels': dict(network='ResNet-50')}), [pair]) == {}
    assert differ_in({}, [pair]) == differ_in(dict(plan(pair), settings={}), [pair]) == {}


def test_a_line_names_some_of_many(monkeypatch):
    several = plan() | dict(analysis=dict(proposed='mobile'))
    both, network = remarks(several)
    assert both.startswith('planned pairs that differ in source and network, so that')
    assert both.endswith('difference: FT M − FT, FT M − ED, FT M − FT B, FT M − ED B')
    assert network.endswith('difference: FT M − HG, FT M − S')
    monkeypatch.setattr(pairs, 'SHOWN', 3)
    assert remarks(several)[0].endswith('FT M − FT, FT M − ED, FT M − FT B and 1 more')
