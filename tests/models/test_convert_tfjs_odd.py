"""Any value of a TensorFlow.js file that is of another kind than it should be: the same network, or one clear line."""

import json

import benchmark

benchmark.register()

import hypothesis.strategies as st
import pytest
import tfjs_files
import torch
from hypothesis import given

from benchmark.models.convert import ConversionError
from benchmark.models.convert.converted import Options
from benchmark.models.convert.mobilenet import convert_tfjs

OPTIONS = Options('tfjs', channel_order='rgb')
FORMS = ('graph', 'fused', 'layers')
#: Of each kind of JSON, what is no number, text, list ... where one is meant, and what is nearly one.
ODD = {'null': [None], 'truth': [True, False], 'number': [0, -1, 3, 1.5, 10 ** 400, float('nan'), float('inf')],
       'text': ['', 'x', '1', '-1', 'float32', '\ud800', 'a\nb', 'U0FNRQ=='],
       'list': [[], [None], [-1], ['x'], [[]], [1, 1, 1, 1], [10 ** 30], [300]],
       'dict': [{}, {'i': 3}, {'s': 5}, {'list': 3}, {'list': {'i': 'x', 's': 7}}, {'f': 'x'}, {'dtype': 3},
                {'layers': 3}, {'node': 3}]}


def kind_of(value):
    kinds = {type(None): 'null', bool: 'truth', int: 'number', float: 'number', str: 'text', list: 'list', dict: 'dict'}
    return kinds[type(value)]


def places(value, path=()):
    """The path of each value below one."""
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield path + (key,)
        yield from places(inner, path + (key,))


def read(path, text):
    return convert_tfjs(path, text.encode('utf-8', 'surrogatepass'), OPTIONS)


@pytest.fixture(scope='module')
def sound(tmp_path_factory):
    """Form -> file, content, the paths of its values by their last name, and what it is converted to."""
    found, mobile = {}, tfjs_files.Mobile()
    for form in FORMS:
        path = tmp_path_factory.mktemp(form) / 'model.json'
        if form == 'layers':
            layers, weights = mobile.layers()
            tfjs_files.write(path, {'model_config': {'config': {'layers': layers}}}, weights, 'uint8')
        else:
            nodes, weights = mobile.graph(fused=form == 'fused')
            tfjs_files.write(path, {'node': nodes}, weights, 'uint8')
        text = path.read_text()
        named = {}
        for place in places(json.loads(text)):
            named.setdefault(tuple(key for key in place if isinstance(key, str))[-2:], []).append(place)
        found[form] = path, text, named, read(path, text)
    return found


@given(st.data())
def test_a_value_of_another_kind_gives_the_same_network_or_one_clear_line(sound, data):
    path, text, named, expected = sound[data.draw(st.sampled_from(FORMS))]
    place = data.draw(st.sampled_from(named[data.draw(st.sampled_from(sorted(named)))]))
    content = json.loads(text)
    holder = content
    for key in place[:-1]:
        holder = holder[key]
    kind = kind_of(holder[place[-1]])
    holder[place[-1]] = data.draw(st.one_of([st.sampled_from(odd) for other, odd in ODD.items() if other != kind]))
    try:
        found = read(path, json.dumps(content))
    except ConversionError as error:
        said = str(error)
        assert said.startswith(f'{path}: ') and said.endswith('.') and '\n' not in said and len(said) < 700
        return
    assert found.meta == expected.meta and found.state.keys() == expected.state.keys()
    assert all(torch.equal(value, expected.state[name]) for name, value in found.state.items())
