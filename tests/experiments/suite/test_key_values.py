"""KEY=VALUE of command lines: MMEngine's values, and blanks kept."""

import argparse

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mmengine.config import DictAction

from benchmark.experiments.suite.key_values import KeyValues


def read(*words, action=KeyValues):
    parser = argparse.ArgumentParser(exit_on_error=False)
    parser.add_argument('--cfg-options', nargs='+', action=action, default={})
    return parser.parse_args([part for word in words for part in ('--cfg-options', word)]).cfg_options


def test_blanks_within_values_are_kept():
    assert read('data_root=/data/my faces', 'note="right eye"', 'classes=[left eye, right eye]', 'a= b ',
                'url=http://x?y=z') == dict(data_root='/data/my faces', note='right eye', a='b', url='http://x?y=z',
                                            classes=['left eye', 'right eye'])


ATOMS = st.integers(-99, 99).map(str) | st.sampled_from(['1e-3', '0.5', 'True', 'false', 'None', 'adam', 'a/b.c'])
BRACKETS = st.sampled_from(['[{}]', '({})'])
VALUES = st.recursive(ATOMS, lambda own: st.tuples(BRACKETS, st.lists(own, min_size=1, max_size=3)).map(
    lambda both: both[0].format(', '.join(both[1]))), max_leaves=8)


@given(VALUES | st.lists(ATOMS, min_size=2, max_size=4).map(','.join))
def test_other_values_are_mmengine_s(value):
    word = f'key={value}'
    assert read(word) == read(word, action=DictAction)


@pytest.mark.parametrize('word, value', [('a=', ''), ('a=1,2,', [1, 2]), ('a=(1,)', (1,)), ('a=[]', []), ('a=()', ()),
                                         ('a=/data/x (1)/y', '/data/x (1)/y'), ('a=(1) and (2)', '(1) and (2)'),
                                         ('a=1)', '1)'), ('a=[1],[2]', [[1], [2]])])
def test_odd_values(word, value):
    assert read(word) == dict(a=value)


@pytest.mark.parametrize('word, said', [('a', "'a' is no KEY=VALUE"), ('=1', 'is no KEY=VALUE'),
                                        ('a=[1,2', 'a bracket without'), ('a=b),2', 'a bracket without')])
def test_what_is_none(word, said):
    with pytest.raises(argparse.ArgumentError, match=said):
        read(word)


def test_the_commands_use_it(monkeypatch):
    from benchmark.commands import test, train
    from benchmark.experiments.commands.arguments import parser
    args = parser().parse_args(['smoke', '--engine', 'account=my lab', '--cfg-options', 'a.b=c d'])
    assert args.engine == dict(account='my lab') and args.cfg_options == {'a.b': 'c d'}
    for command, more in ((train, []), (test, ['network.pth'])):
        args = command.parser().parse_args(['ft.py', *more, '--cfg-options', 'a.b=c d', '--input-size', '64', '32'])
        assert args.cfg_options == {'a.b': 'c d'} and args.input_size == [64, 32]
