"""MobileNet v2 of torchvision, against the network written down once more."""

import math

import benchmark

benchmark.register()

import pytest
import torch
from torch.nn import functional

from benchmark.models.convert import ConversionError, convert
from benchmark.models.source import FrozenSource

#: Of each block: expansion, channels and stride.
BLOCKS = [(1, 16, 1), (6, 24, 2), (6, 24, 1), (6, 32, 2), *[(6, 32, 1)] * 2, (6, 64, 2), *[(6, 64, 1)] * 3,
          *[(6, 96, 1)] * 3, (6, 160, 2), *[(6, 160, 1)] * 2, (6, 320, 1)]
#: Blocks behind which a tap stands, by the layer of MMPose that ends there.
TAPS = {3: 'stage2', 6: 'stage3', 13: 'stage5'}


def layers():
    """Of each convolution its name and its norm's, its shape, stride, groups, and whether ReLU6 follows."""
    found, before = [('features.0.0', 'features.0.1', (32, 3, 3, 3), 2, 1, True)], 32
    for number, (expansion, channels, stride) in enumerate(BLOCKS, 1):
        name, middle, place = f'features.{number}.conv', before * expansion, 0
        if expansion > 1:
            found.append((f'{name}.0.0', f'{name}.0.1', (middle, before, 1, 1), 1, 1, True))
            place = 1
        found += [(f'{name}.{place}.0', f'{name}.{place}.1', (middle, 1, 3, 3), stride, middle, True),
                  (f'{name}.{place + 1}', f'{name}.{place + 2}', (channels, middle, 1, 1), 1, 1, False)]
        before = channels
    return [*found, ('features.18.0', 'features.18.1', (1280, 320, 1, 1), 1, 1, True)]


@pytest.fixture(scope='module')
def state():
    draw, found = torch.Generator().manual_seed(0), {}
    for convolution, norm, shape, *_ in layers():
        found[f'{convolution}.weight'] = torch.randn(shape, generator=draw) * (2 / math.prod(shape[1:])) ** .5
        for key, low, high in (('weight', .8, 1.2), ('bias', -.1, .3), ('running_mean', -.1, .1),
                               ('running_var', .5, 1.5)):
            found[f'{norm}.{key}'] = torch.rand(shape[0], generator=draw) * (high - low) + low
        found[f'{norm}.num_batches_tracked'] = torch.tensor(7)
    found['classifier.1.weight'], found['classifier.1.bias'] = torch.randn(5, 1280, generator=draw), torch.randn(5)
    return found


@torch.no_grad()
def forward(state, images):
    """Taps and logits."""
    x, taps, block, start = images, {}, 0, images
    for convolution, norm, shape, stride, groups, relu in layers():
        y = functional.conv2d(x, state[f'{convolution}.weight'], None, stride, shape[-1] // 2, groups=groups)
        weight, bias, mean, var = (state[f'{norm}.{key}'].view(1, -1, 1, 1)
                                   for key in ('weight', 'bias', 'running_mean', 'running_var'))
        x = (y - mean) / (var + 1e-5).sqrt() * weight + bias
        if relu:
            x = x.clamp(0, 6)
            if convolution == 'features.0.0':
                start = x
            continue
        block += 1
        x = start = start + x if start.shape == x.shape else x
        if block in TAPS:
            taps[TAPS[block]] = x
    taps['stage8'], taps['pooled'] = x, x.mean((2, 3))
    taps['logits'] = taps['pooled'] @ state['classifier.1.weight'].T + state['classifier.1.bias']
    return taps


@pytest.mark.parametrize(('prefix', 'order'), [('', 'rgb'), ('module.', 'bgr')])
def test_the_network_computes_what_it_did(tmp_path, state, prefix, order):
    torch.save({'state_dict': {prefix + key: value for key, value in state.items()}}, tmp_path / 'in.pth')
    meta = convert('mobilenet_v2', tmp_path / 'in.pth', tmp_path / 'out.pth', channel_order=order)
    assert meta['arch'] == {'type': 'MobileNetV2', 'out_indices': [1, 2, 4, 7]} and meta['num_classes'] == 5
    images = torch.rand(2, 3, 70, 62, generator=torch.Generator().manual_seed(0)) * 255
    x = (images - torch.tensor([123.675, 116.28, 103.53]).view(1, 3, 1, 1)) / torch.tensor(
        [58.395, 57.12, 57.375]).view(1, 3, 1, 1)
    source = FrozenSource(meta['arch'], str(tmp_path / 'out.pth'))
    expected = forward(state, x if order == 'rgb' else x.flip(1))
    assert source.taps == tuple(expected)
    found = source(images)
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, rtol=1e-3, atol=1e-3)


def test_the_encoder_alone_takes_the_suites_word(tmp_path, state):
    """``settings.backbone='mobilenet_v2'`` names MMPose's network with the taps of its layers."""
    from mmpose.registry import MODELS

    from benchmark.experiments.suite.backbones import WORDS
    torch.save({key: value for key, value in state.items() if not key.startswith('classifier.')}, tmp_path / 'in.pth')
    meta = convert('mobilenet_v2', tmp_path / 'in.pth', tmp_path / 'out.pth', classifier=False)
    assert meta['num_classes'] == 0
    word = WORDS['mobilenet_v2']
    backbone = MODELS.build(dict(type='TappedBackbone', network=word.network, taps=word.taps, init_cfg=dict(
        type='Pretrained', checkpoint=str(tmp_path / 'out.pth'), prefix='backbone.')))
    backbone.init_weights()
    images = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        taps = backbone.eval()(images)
    for found, name in zip(taps, ('stage2', 'stage3', 'stage5', 'stage8')):
        torch.testing.assert_close(found, forward(state, images)[name], rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(('change', 'message'), [
    (lambda state: state.pop('features.3.conv.3.bias'),
     r'the tensor of backbone\.layer2\.1\.conv\.2\.bn\.bias is missing'),
    (lambda state: state.update({'features.19.0.weight': torch.ones(1)}),
     r'features\.19\.0\.weight has no place in MobileNet'),
    (lambda state: state.update({'features.1': torch.ones(1)}), r'features\.1 has no place'),
    (lambda state: state.update({'features.3.conv': torch.ones(1)}), r'features\.3\.conv has no place'),
    (lambda state: state.update({'classifier': torch.ones(1)}), 'classifier has no place'),
    (lambda state: state.pop('classifier.1.bias'), r'.*classifier\.bias is missing, .* Give --no-classifier'),
    (lambda state: state.update({'classifier.1.bias': torch.tensor(1.0)}), r'classifier\.1\.weight has shape'),
    (lambda state: state.update({f'ema.{key}': value for key, value in [*state.items()]}),
     r"holds 2 networks, with names that begin with '', 'ema\.'\. Say with --prefix which one is meant"),
    (lambda state: state.update({'features.1.conv.4.weight': torch.ones(1)}),
     r'features\.1\.conv\.4\.weight has no place'),
    (lambda state: state.update({'features.0.0.weight': torch.ones(16, 3, 3, 3)}),
     r'features\.0\.0\.weight has shape \(16, 3, 3, 3\), MobileNet v2 needs \(32, 3, 3, 3\)'),
])
def test_unfitting_content_is_named(tmp_path, state, change, message):
    change(state := dict(state))
    torch.save(state, tmp_path / 'in.pth')
    with pytest.raises(ConversionError, match=rf'in\.pth: {message}'):
        convert('mobilenet_v2', tmp_path / 'in.pth', tmp_path / 'out.pth')
