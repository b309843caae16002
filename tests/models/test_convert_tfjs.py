"""TensorFlow.js models: the reader of manifest and shards, and MobileNet v1 out of graphs and Keras layers."""

import json
import os

import benchmark

benchmark.register()

import numpy as np
import pytest
import tfjs_files
import torch

from benchmark.models.convert import ConversionError, convert
from benchmark.models.convert.tfjs import read_tfjs
from benchmark.models.source import FrozenSource

MEAN, STD = (100.0, 110.0, 120.0), (64.0, 60.0, 50.0)
GIVEN = dict(channel_order='rgb', mean=MEAN, std=STD, faces='none')


@pytest.fixture(scope='module')
def mobile():
    return tfjs_files.Mobile()


@pytest.fixture
def images():
    return torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 255


def assert_same(checkpoint, images, stages, width=.25):
    source = FrozenSource({'type': 'MobileNetV1', 'width': width}, str(checkpoint))
    taps = source(images)
    for number, expected in enumerate(stages, 1):
        torch.testing.assert_close(taps[f'stage{number}'], expected, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(taps['pooled'], stages[-1].mean(dim=(2, 3)), rtol=1e-4, atol=1e-4)


def normalised(images):
    return (images - torch.tensor(MEAN).view(1, 3, 1, 1)) / torch.tensor(STD).view(1, 3, 1, 1)


@pytest.mark.parametrize('quantised', [None, 'float16', 'uint8', 'uint16'])
def test_numbers_are_read_as_they_were_kept(tmp_path, quantised):
    weights = {'a': np.linspace(-3, 5, 12, dtype='f4').reshape(3, 4), 'one': np.float32(6).reshape(()),
               'axes': np.array([1, 2], 'i4'), 'flat': np.full(5, 2.5, 'f4')}
    kept = tfjs_files.write(tmp_path / 'model.json', {'node': []}, weights, quantised, shards=3)
    model = read_tfjs(tmp_path / 'model.json', (tmp_path / 'model.json').read_bytes())
    assert model.kind == 'graph-model' and model.about == {'generatedBy': 'a test'}
    assert [*model.shards] == [f'group1-shard{number}of3.bin' for number in (1, 2, 3)]
    assert model.tensors.keys() == kept.keys()
    for name, value in kept.items():
        assert model.tensors[name].shape == value.shape and np.array_equal(model.tensors[name], value)


@pytest.mark.parametrize('fused', [False, True])
@pytest.mark.parametrize('order', ['rgb', 'bgr'])
def test_a_graph_computes_what_it_did(tmp_path, mobile, images, fused, order):
    nodes, weights = mobile.graph(fused)
    tfjs_files.write(tmp_path / 'model.json', {'node': nodes}, weights, shards=2)
    meta = convert('tfjs', tmp_path / 'model.json', tmp_path / 'out.pth', **{**GIVEN, 'channel_order': order})
    assert meta['arch'] == {'type': 'MobileNetV1', 'width': .25}
    assert meta['normalisation'] == {'mean': [*MEAN], 'std': [*STD]}
    assert (meta['input_size'], meta['statistics']) == ([224, 224], 'of mean 0 and variance 1')
    assert len(meta['source_shards']) == 2 and meta['source_format'] == 'tfjs'
    x = normalised(images)
    assert_same(tmp_path / 'out.pth', images, mobile.stages(x if order == 'rgb' else x.flip(1)))


def test_a_quantised_graph_is_near(tmp_path, mobile, images):
    nodes, weights = mobile.graph()
    tfjs_files.write(tmp_path / 'model.json', {'node': nodes}, weights, 'float16')
    convert('tfjs', tmp_path / 'model.json', tmp_path / 'out.pth', **GIVEN)
    found = FrozenSource({'type': 'MobileNetV1', 'width': .25}, str(tmp_path / 'out.pth'))(images)['pooled']
    expected = mobile.stages(normalised(images))[-1].mean(dim=(2, 3))
    assert 1e-6 < (found - expected).norm() / expected.norm() < 1e-2


def test_keras_layers_keep_their_statistics(tmp_path, mobile, images):
    layers, weights = mobile.layers()
    tfjs_files.write(tmp_path / 'model.json', {'model_config': {'class_name': 'Model', 'config': {'layers': layers}}},
                     weights)
    meta = convert('tfjs', tmp_path / 'model.json', tmp_path / 'out.pth', **{**GIVEN, 'faces': 'synthetic'})
    assert meta['source_kind'] == 'TensorFlow.js layers-model' and 'statistics' not in meta
    assert_same(tmp_path / 'out.pth', images, mobile.stages(normalised(images)))
    state = torch.load(tmp_path / 'out.pth', weights_only=True)['state_dict']
    name, _, _, _, norm = mobile.units[0]
    assert name == 'conv1' and torch.equal(state['backbone.stem.1.running_mean'], torch.tensor(norm['moving_mean']))


def graph_of(tmp_path, mobile, change):
    """A graph's file after a change of its nodes."""
    nodes, weights = mobile.graph()
    change({node['name']: node for node in nodes}, nodes, weights)
    tfjs_files.write(tmp_path / 'model.json', {'node': nodes}, weights)
    return tmp_path / 'model.json'


def rename_op(name, op):
    return lambda by, nodes, weights: by[name].update(op=op)


def attribute(name, key, value):
    return lambda by, nodes, weights: by[name]['attr'].update({key: value})


@pytest.mark.parametrize(('change', 'message'), [
    (rename_op('conv_dw_3/relu', 'Elu'), "conv_dw_3/relu is a 'Elu', which is not read between input and"),
    (rename_op('conv_dw_3/relu', 'FlexEvil'), "conv_dw_3/relu is a 'FlexEvil'"),
    (lambda by, nodes, weights: nodes.append({'name': 'x', 'op': 'Relu', 'input': ['conv1/relu']}),
     'conv1/relu goes to conv1/min and x: the network branches'),
    (attribute('conv_dw_2/conv', 'padding', tfjs_files.text('VALID')), "conv_dw_2/conv has strides .* padding 'VALID'"),
    (attribute('conv_dw_2/conv', 'strides', tfjs_files.numbers(1, 1, 1, 1)),
     'conv_dw_2/conv is a depthwise convolution .* stride 1, .*one of shape .* stride 2'),
    (lambda by, nodes, weights: weights.pop('conv_pw_4/kernel'), "'conv_pw_4/kernel', which conv_pw_4/conv asks for"),
    (lambda by, nodes, weights: weights.update({'conv_dw_1/mul': np.ones(3, 'f4')}),
     r'conv_dw_1/mul_1 takes a tensor of shape \(3,\), where conv_dw_1/conv has 8 channels'),
    (lambda by, nodes, weights: weights.update({'conv1/six': np.float32(3).reshape(())}), 'conv1/min clips at 3'),
    (lambda by, nodes, weights: by['conv_dw_13/min'].update(op='Identity', input=['conv_dw_13/relu']),
     'conv_dw_13/conv is a depthwise convolution .* activation relu; MobileNet v1 of width 0.25 has .* relu6 there'),
    (lambda by, nodes, weights: nodes.append({'name': 'other', 'op': 'Placeholder'}), r'2 inputs \(image, other\)'),
    (lambda by, nodes, weights: nodes.remove(by['pooled']), 'no global pooling'),
    (lambda by, nodes, weights: by['conv_pw_9/add_1'].update(op='Mul', input=['conv_pw_9/conv']),
     'conv_pw_9/add_1, a Mul, has 0 inputs besides the image'),
    (lambda by, nodes, weights: weights.update({'conv1/kernel': np.full((3, 3, 3, 8), np.inf, 'f4')}),
     'stem.0.weight hold values that are not finite'),
])
def test_a_graph_that_is_no_mobilenet_is_refused(tmp_path, mobile, change, message):
    path = graph_of(tmp_path, mobile, change)
    with pytest.raises(ConversionError, match=rf'model\.json: .*{message}'):
        convert('tfjs', path, tmp_path / 'out.pth', **GIVEN)
    assert not (tmp_path / 'out.pth').exists()


@pytest.mark.parametrize(('change', 'message'), [
    (lambda layers, weights: layers[4].update(class_name='Lambda'), "conv1_relu is a 'Lambda', which is not read"),
    (lambda layers, weights: layers[9].update(inbound_nodes=[[['conv1_relu', 0, 0, {}]]]),
     'conv_pw_1_bn takes conv1_relu, not only conv_pw_1: the network branches'),
    (lambda layers, weights: layers[2]['config'].update(padding='same', dilation_rate=[2, 2]),
     r'conv1 has a kernel .* dilation_rate \[2, 2\]'),
    (lambda layers, weights: layers.pop(1) and layers[1].update(inbound_nodes=[]),
     'conv1 has a kernel .* after zeros None'),
    (lambda layers, weights: weights.pop('conv1_bn/gamma'), 'conv1_bn/gamma is missing'),
    (lambda layers, weights: layers[4]['config'].update(max_value=4.0), 'conv1_relu has activation .* max_value 4'),
    (lambda layers, weights: layers.pop(), 'no GlobalAveragePooling2D'),
])
def test_layers_that_are_no_mobilenet_are_refused(tmp_path, mobile, change, message):
    layers, weights = mobile.layers()
    change(layers, weights)
    tfjs_files.write(tmp_path / 'model.json', {'model_config': {'config': {'layers': layers}}}, weights)
    with pytest.raises(ConversionError, match=rf'model\.json: .*{message}'):
        convert('tfjs', tmp_path / 'model.json', tmp_path / 'out.pth', **GIVEN)


def manifest(tmp_path, **changes):
    """A little file whose manifest differs from a sound one."""
    tfjs_files.write(tmp_path / 'model.json', {'node': []}, {'a': np.ones(4, 'f4')})
    content = json.loads((tmp_path / 'model.json').read_text())
    group = content['weightsManifest'][0]
    for key, value in changes.items():
        (content if key in content else group if key in group else group['weights'][0])[key] = value
    (tmp_path / 'model.json').write_text(json.dumps(content))
    return tmp_path / 'model.json'


@pytest.mark.parametrize(('changes', 'message'), [
    (dict(paths=['../secret.bin']), r"names '\.\./secret\.bin', which is not below the folder of the file; it was"),
    (dict(paths=['/etc/passwd']), "names '/etc/passwd', which is not below"),
    (dict(paths=['a\\..\\b']), 'which is not below'), (dict(paths=['http://x/y']), 'which is not below'),
    (dict(paths=['absent.bin']), r"weights 'absent\.bin' cannot be read \(No such file"),
    (dict(paths=[]), 'have 0 bytes, the manifest asks for 16'), (dict(paths='x'), 'group without paths and weights'),
    (dict(shape=[3]), 'have 16 bytes, the manifest asks for 12'), (dict(shape=[5]), 'have 16 bytes, .* asks for 20'),
    (dict(shape=[-4]), r'shape \[-4\]'), (dict(shape=[4, True]), r'shape \[4, True\]'),
    (dict(dtype='string'), "a has dtype 'string'. Read are float32, int32, bool"),
    (dict(dtype='complex64'), "a has dtype 'complex64'"),
    (dict(dtype=['float32']), r"weightsManifest: dtype of a is \['float32'\], not a text\. Export the model again"),
    (dict(dtype=None), 'dtype of a is None, not a text'), (dict(quantization='uint8'), "of a is 'uint8', not a dict"),
    (dict(quantization={'dtype': 'uint8', 'scale': 10 ** 400, 'min': 0}), 'quantised to uint8 with scale=1000'),
    (dict(paths=['\ud800.bin']), r"weights '\\ud800\.bin' cannot be read \(no name of a file"),
    (dict(shape=[0]), 'have 16 bytes, the manifest asks for 0'),
    (dict(quantization={'dtype': ['uint8']}), r"a, float32, is quantised to \['uint8'\]"),
    (dict(quantization={'dtype': 'int4'}), "a, float32, is quantised to 'int4'"),
    (dict(quantization={'dtype': 'uint8', 'scale': 1.0}), 'quantised to uint8 with scale=1.0, min=None'),
    (dict(quantization={'dtype': 'uint16', 'scale': float('nan'), 'min': 0}), 'scale=nan'),
    (dict(dtype='int32', quantization={'dtype': 'uint8', 'scale': 1, 'min': 0}), 'a, int32, is quantised'),
    (dict(modelTopology={'nodes': []}), 'neither node nor model_config'),
    (dict(modelTopology=None), 'no modelTopology'),
    (dict(weightsManifest=[]), 'no modelTopology with a weightsManifest'),
    (dict(weights=[{'name': 'a', 'shape': [2], 'dtype': 'float32'}] * 2), 'names a twice'),
])
def test_a_broken_manifest_is_refused(tmp_path, changes, message):
    (tmp_path / 'model').mkdir()
    (tmp_path / 'secret.bin').write_bytes(bytes(16))
    path = manifest(tmp_path / 'model', **{'quantization': None} | changes)
    with pytest.raises(ConversionError, match=rf'model\.json: .*{message}'):
        convert('tfjs', path, tmp_path / 'out.pth', **GIVEN)
    assert sorted(os.listdir(tmp_path)) == ['model', 'secret.bin']


def test_a_shard_that_links_elsewhere_is_not_read(tmp_path):
    (tmp_path / 'model').mkdir()
    path = manifest(tmp_path / 'model')
    os.rename(tmp_path / 'model/group1-shard1of1.bin', tmp_path / 'secret.bin')
    os.symlink(tmp_path / 'secret.bin', tmp_path / 'model/group1-shard1of1.bin')
    with pytest.raises(ConversionError, match='a link to another folder; it was not read'):
        convert('tfjs', path, tmp_path / 'out.pth', **GIVEN)


@pytest.mark.parametrize('data', [b'', b'hello', b'{"modelTopology": {', b'[' * 100_000, b'\xff\xfe'])
def test_what_is_no_json_is_refused(tmp_path, data):
    (tmp_path / 'model.json').write_bytes(data)
    with pytest.raises(ConversionError, match=r'model\.json: is no JSON file, or cut short'):
        convert('tfjs', tmp_path / 'model.json', tmp_path / 'out.pth', **GIVEN)


@pytest.mark.parametrize(('left_out', 'message'), [('channel_order', 'Give --channel-order, and --mean and --std'),
                                                   ('mean', 'Give --mean and --std'), ('std', 'Give --mean and --std')])
def test_what_the_file_does_not_say_must_be_said(tmp_path, mobile, left_out, message):
    path = graph_of(tmp_path, mobile, lambda *_: None)
    with pytest.raises(ConversionError, match=rf'model\.json: .*{message}'):
        convert('tfjs', path, tmp_path / 'out.pth', **{key: value for key, value in GIVEN.items() if key != left_out})
