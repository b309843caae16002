"""Convolutions as matrix products: the sums of torch's kernels, where the rule says so."""

import pytest
import torch
from torch import nn

CASES = [
    (nn.Conv2d(512, 256, 3, padding=1), (2, 512, 4, 4)),
    (nn.Conv2d(512, 256, 3, stride=2, padding=1, bias=False), (2, 512, 7, 5)),
    (nn.Conv2d(512, 256, 3, padding=2, dilation=2), (1, 512, 6, 6)),
    (nn.Conv2d(1024, 1024, 1, bias=False), (2, 1024, 4, 4)),
    (nn.Conv2d(1024, 1024, 1, stride=2), (2, 1024, 5, 4)),
    (nn.ConvTranspose2d(512, 256, 4, stride=2, padding=1, bias=False), (2, 512, 4, 3)),
    (nn.ConvTranspose2d(512, 256, 3, stride=2, padding=1, output_padding=1), (1, 512, 3, 3)),
]


def changed(registered, layer):
    from types import SimpleNamespace

    from mmpose.registry import HOOKS
    model = nn.Sequential(layer)
    HOOKS.build(dict(type='MatrixConvolutionHook')).before_train(SimpleNamespace(model=model))
    return model[0]


@pytest.mark.parametrize(('layer', 'shape'), CASES, ids=str)
def test_values_and_gradients_are_the_kernels(registered, layer, shape, monkeypatch):
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0)).requires_grad_()
    expected = layer(x)
    g = torch.randn(expected.shape, generator=torch.Generator().manual_seed(1))
    gradients = torch.autograd.grad(expected, [x, *layer.parameters()], g)
    kind = type(layer)
    found = changed(registered, layer)
    assert type(found) is not kind and isinstance(found, kind)
    # The kernel is not called: the product is.
    monkeypatch.setattr(kind, 'forward', None)
    value = found(x)
    assert torch.allclose(value, expected, atol=1e-4)
    for one, other in zip(torch.autograd.grad(value, [x, *found.parameters()], g), gradients, strict=True):
        assert torch.allclose(one, other, atol=1e-3, rtol=1e-4)


def behind_mobilenet(*layers):
    """Layers as the hook leaves them beside a converted network's encoder."""
    from types import SimpleNamespace

    from mmpose.registry import HOOKS, MODELS
    model = nn.Module()
    model.backbone, model.head = MODELS.build(dict(type='MobileNetV1', width=.25)), nn.Sequential(*layers)
    HOOKS.build(dict(type='MatrixConvolutionHook')).before_train(SimpleNamespace(model=model))
    return model.head


@pytest.mark.parametrize('last', [True, False])
@pytest.mark.parametrize('bias', [True, False])
def test_a_doubling_deconvolution_is_the_kernels(registered, last, bias):
    order = torch.channels_last if last else torch.contiguous_format
    layer = nn.ConvTranspose2d(64, 16, 4, stride=2, padding=1, bias=bias).to(memory_format=order)
    x = torch.randn(2, 64, 7, 5, generator=torch.Generator().manual_seed(0)).contiguous(memory_format=order)
    x.requires_grad_()
    expected = layer(x)
    g = torch.randn(expected.shape, generator=torch.Generator().manual_seed(1)).contiguous(memory_format=order)
    gradients = torch.autograd.grad(expected, [x, *layer.parameters()], g)
    found = behind_mobilenet(layer)[0]
    assert type(found).__name__ == 'DoublingDeconvolution'
    value = found(x)
    assert torch.equal(value, expected)
    own = torch.autograd.grad(value, [x, *found.parameters()], g)
    for one, other in zip(own, gradients, strict=True):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-5)
    # So that nothing is copied where the optimiser takes it.
    assert not last or own[1].stride() == layer.weight.stride()


def test_only_wide_layers_that_double_are_such(registered):
    others = [nn.ConvTranspose2d(16, 16, 4, stride=2, padding=1), nn.ConvTranspose2d(64, 64, 2, stride=2),
              nn.ConvTranspose2d(64, 64, 4, stride=2, padding=1, groups=2)]
    assert {type(one) for one in behind_mobilenet(*others)} == {nn.ConvTranspose2d}
    # Behind a ResNet, of which there are results, sums keep their order.
    assert type(changed(registered, nn.ConvTranspose2d(64, 64, 4, stride=2, padding=1))) is nn.ConvTranspose2d


def test_half_precision_keeps_the_kernel(registered):
    layer = behind_mobilenet(nn.ConvTranspose2d(64, 16, 4, stride=2, padding=1))[0]
    with torch.autocast('cpu', dtype=torch.bfloat16):
        value = layer(torch.randn(1, 64, 16, 16))
    assert value.dtype == torch.bfloat16
    value.float().sum().backward()
    assert layer.weight.grad.dtype == torch.float32


def test_large_maps_and_small_weights_keep_their_kernels(registered, monkeypatch):
    layer = changed(registered, nn.Conv2d(512, 256, 3, padding=1))
    monkeypatch.setattr(nn.functional, 'unfold', None)
    assert layer(torch.zeros(1, 512, 12, 12)).shape == (1, 256, 12, 12)
    assert type(changed(registered, nn.Conv2d(64, 64, 3))) is nn.Conv2d
    assert type(changed(registered, nn.Conv2d(1024, 1024, 3, groups=2))) is nn.Conv2d
    assert type(changed(registered, nn.Conv2d(512, 512, 3, padding='same'))) is nn.Conv2d


def test_names_and_values_of_parameters_stay(registered):
    layer = nn.ConvTranspose2d(512, 256, 4, bias=False).to(memory_format=torch.channels_last)
    before = {name: value.clone() for name, value in layer.state_dict().items()}
    after = changed(registered, layer).state_dict()
    assert after.keys() == before.keys() and all(torch.equal(after[name], before[name]) for name in before)
    assert layer.weight.is_contiguous()


def test_a_layer_of_single_places_follows_its_maps(registered):
    from types import SimpleNamespace

    from mmpose.registry import HOOKS
    model = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 4, 1))
    before = [value.clone() for value in model.parameters()]
    HOOKS.build(dict(type='ChannelsLastHook')).before_train(SimpleNamespace(model=model))
    assert all(torch.equal(one, other) for one, other in zip(model.parameters(), before))
    last = dict(memory_format=torch.channels_last)
    assert model(torch.zeros(2, 3, 6, 6)).is_contiguous(**last)
    # Maps of a matrix product come in plain order and are not copied into another.
    assert model[1](torch.zeros(2, 8, 6, 6)).is_contiguous()
    assert model[1](torch.zeros(2, 8, 6, 6).contiguous(**last)).is_contiguous(**last)
