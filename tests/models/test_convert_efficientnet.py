"""EfficientNet-Lite0 of a PyTorch port, against the network written down once more."""

import benchmark

benchmark.register()

import pytest
import torch
from tfjs_files import same

from benchmark.models.convert import ConversionError, convert
from benchmark.models.source import FrozenSource, SourceError
from benchmark.models.transfer.channel_attention import stage_maps

#: Of each block: expansion, channels, kernel and stride.
BLOCKS = [(1, 16, 3, 1), (6, 24, 3, 2), (6, 24, 3, 1), (6, 40, 5, 2), (6, 40, 5, 1), (6, 80, 3, 2),
          *[(6, 80, 3, 1)] * 2, *[(6, 112, 5, 1)] * 3, (6, 192, 5, 2), *[(6, 192, 5, 1)] * 3, (6, 320, 3, 1)]
STAGES = {2: 'stage1', 4: 'stage2', 10: 'stage3', 15: 'stage4'}


@pytest.fixture(scope='module')
def state():
    draw, found = torch.Generator().manual_seed(0), {}

    def convolution(name, *shape):
        found[f'{name}.weight'] = torch.randn(*shape, generator=draw) * (2 / shape[1] / shape[2] / shape[3]) ** .5

    def norm(name, channels):
        found[f'{name}.weight'] = torch.rand(channels, generator=draw) * .4 + .8
        found[f'{name}.bias'] = torch.rand(channels, generator=draw) * .4 - .1
        found[f'{name}.running_mean'] = torch.randn(channels, generator=draw) * .1
        found[f'{name}.running_var'] = torch.rand(channels, generator=draw) + .5
        found[f'{name}.num_batches_tracked'] = torch.tensor(7)

    convolution('_conv_stem', 32, 3, 3, 3)
    norm('_bn0', 32)
    before = 32
    for number, (expansion, channels, kernel, _) in enumerate(BLOCKS):
        name, middle = f'_blocks.{number}', before * expansion
        if expansion > 1:
            convolution(f'{name}._expand_conv', middle, before, 1, 1)
            norm(f'{name}._bn0', middle)
        convolution(f'{name}._depthwise_conv', middle, 1, kernel, kernel)
        norm(f'{name}._bn1', middle)
        convolution(f'{name}._project_conv', channels, middle, 1, 1)
        norm(f'{name}._bn2', channels)
        before = channels
    convolution('_conv_head', 1280, 320, 1, 1)
    norm('_bn1', 1280)
    found['_fc.weight'], found['_fc.bias'] = torch.randn(5, 1280, generator=draw), torch.randn(5, generator=draw)
    return found


@torch.no_grad()
def forward(state, images):
    """All stages, the embedding and the logits."""
    def norm(x, name):
        weight, bias, mean, var = (state[f'{name}.{key}'].view(1, -1, 1, 1)
                                   for key in ('weight', 'bias', 'running_mean', 'running_var'))
        return (x - mean) / (var + 1e-3).sqrt() * weight + bias

    x = norm(same(images, state['_conv_stem.weight'], 2), '_bn0').clamp(0, 6)
    taps = {}
    for number, (expansion, _, _, stride) in enumerate(BLOCKS):
        name, y = f'_blocks.{number}', x
        if expansion > 1:
            y = norm(same(y, state[f'{name}._expand_conv.weight'], 1), f'{name}._bn0').clamp(0, 6)
        y = norm(same(y, state[f'{name}._depthwise_conv.weight'], stride, y.shape[1]), f'{name}._bn1').clamp(0, 6)
        y = norm(same(y, state[f'{name}._project_conv.weight'], 1), f'{name}._bn2')
        x = x + y if x.shape == y.shape else y
        if number in STAGES:
            taps[STAGES[number]] = x
    taps['embedding'] = norm(same(x, state['_conv_head.weight'], 1), '_bn1').clamp(0, 6).mean((2, 3))
    taps['logits'] = taps['embedding'] @ state['_fc.weight'].T + state['_fc.bias']
    return taps


@pytest.mark.parametrize(('prefix', 'order'), [('', 'rgb'), ('module.', 'bgr')])
def test_the_network_computes_what_it_did(tmp_path, state, prefix, order):
    torch.save({'state_dict': {prefix + key: value for key, value in state.items()}}, tmp_path / 'in.pth')
    meta = convert('efficientnet_lite', tmp_path / 'in.pth', tmp_path / 'out.pth', channel_order=order)
    assert meta['num_classes'] == 5 and meta['source_prefix'] == prefix and 'statistics' not in meta
    images = torch.rand(2, 3, 70, 62, generator=torch.Generator().manual_seed(0)) * 255
    x = (images - 127) / 128
    found = FrozenSource(meta['arch'], str(tmp_path / 'out.pth'))(images)
    for name, expected in forward(state, x if order == 'rgb' else x.flip(1)).items():
        torch.testing.assert_close(found[name], expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(('change', 'message'), [
    (lambda state: state.pop('_blocks.3._bn1.bias'), r'the tensor of backbone\.layer2\.0\.norm2\.bias is missing'),
    (lambda state: state.update({'_blocks.1._se_reduce.weight': torch.ones(1)}),
     r'_blocks\.1\._se_reduce\.weight has no place in EfficientNet-Lite0'),
    (lambda state: state.update({'_blocks.16._bn1.bias': torch.ones(1)}), r'_blocks\.16\._bn1\.bias has no place'),
    (lambda state: state.update({'_conv_head.weight': torch.ones(1280, 320)}),
     r'_conv_head\.weight has shape \(1280, 320\), EfficientNet-Lite0 needs \(1280, 320, 1, 1\)'),
])
def test_unfitting_content_is_named(tmp_path, state, change, message):
    change(state := dict(state))
    torch.save(state, tmp_path / 'in.pth')
    with pytest.raises(ConversionError, match=rf'in\.pth: {message}'):
        convert('efficientnet_lite', tmp_path / 'in.pth', tmp_path / 'out.pth')


def test_the_encoder_alone_and_faces_where_there_is_nothing_to_measure(tmp_path, state):
    torch.save({key: value for key, value in state.items() if not key.startswith('_fc.')}, tmp_path / 'in.pth')
    meta = convert('efficientnet_lite', tmp_path / 'in.pth', tmp_path / 'out.pth', classifier=False)
    source = FrozenSource(meta['arch'], str(tmp_path / 'out.pth'))
    assert meta['num_classes'] == 0 and source.taps[-1] == 'embedding'
    with pytest.raises(ConversionError, match=r'in\.pth: has batch norms with statistics of their own. Leave --faces'):
        convert('efficientnet_lite', tmp_path / 'in.pth', tmp_path / 'more.pth', classifier=False, faces=tmp_path)


def test_a_source_follows_its_meta_and_refuses_what_it_does_not_know(tmp_path, state):
    torch.save(state, tmp_path / 'in.pth')
    convert('efficientnet_lite', tmp_path / 'in.pth', tmp_path / 'out.pth')
    content = torch.load(tmp_path / 'out.pth', weights_only=True)

    def again(**meta):
        torch.save(content | dict(meta=content['meta'] | meta), tmp_path / 'other.pth')
        return FrozenSource({'type': 'EfficientNetLite0'}, str(tmp_path / 'other.pth'))

    images = torch.rand(1, 3, 48, 32) * 255
    resized = again(resize=True, input_size=[96, 64])
    assert resized.input_size == (96, 64) and resized(images)['stage1'].shape[-2:] == (16, 24)
    same = torch.nn.functional.interpolate(images, (64, 96), mode='bilinear', align_corners=False)
    torch.testing.assert_close(resized(images)['embedding'], again()(same)['embedding'])
    torch.testing.assert_close(stage_maps(resized, images)[0], resized(images)['stage1'])
    assert again()(images)['stage1'].shape[-2:] == (12, 8)
    for embedding in ({'type': 'TopdownPoseEstimator'}, {'type': 'DlibEmbedding', 'x': 1}, 'DlibEmbedding'):
        with pytest.raises(SourceError, match=r'other\.pth: meta\.embedding=.* is unknown. Known are DlibEmbedding'):
            again(embedding=embedding)
    with pytest.raises(SourceError, match=r'other\.pth: its embedding\.\* are not .* a DlibEmbedding'):
        again(embedding={'type': 'DlibEmbedding'})
    for stages, taps in (((0, 3), ('stage1', 'stage4', 'pooled', 'embedding', 'logits')),
                         ((1, 2), ('stage2', 'stage3', 'pooled'))):
        source = FrozenSource({'type': 'EfficientNetLite0', 'out_indices': stages}, str(tmp_path / 'out.pth'))
        assert source.taps == taps == tuple(source(images))
