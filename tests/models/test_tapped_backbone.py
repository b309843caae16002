"""Any backbone as an encoder: its taps, what is frozen of it, where it is cut, how its batch norm is trained."""

import pytest
import torch
from torch import nn

from benchmark.experiments.suite.backbones import LAYERS, TAPS, WORDS

MOBILE = dict(type='MobileNetV2', widen_factor=0.25)
MOBILE_TAPS = WORDS['mobilenet_v2'].taps
SWIN = dict(type='SwinTransformer', embed_dims=8, depths=(1, 1, 1, 1), num_heads=(1, 1, 1, 1), out_indices=(0, 1, 2, 3))


def hrnet(width=4):
    widths = [width * 2**number for number in range(4)]
    extra = dict(stage1=dict(num_modules=1, num_branches=1, block='BOTTLENECK', num_blocks=(1,), num_channels=(8,)))
    extra |= {f'stage{n}': dict(num_modules=1, num_branches=n, block='BASIC', num_blocks=(1,) * n,
                                num_channels=tuple(widths[:n])) for n in (2, 3, 4)}
    return dict(type='HRNet', extra=extra)


@pytest.fixture
def tapped(registered):
    """Builds a network with taps, initialised."""
    from mmpose.registry import MODELS

    def build(network, taps=(), **options):
        torch.manual_seed(0)
        made = MODELS.build(dict(type='TappedBackbone', network=network, taps=taps, **options))
        made.init_weights()
        return made

    return build


@pytest.mark.parametrize('word', [word for word in WORDS if word not in ('resnet101', 'resnet152')])
def test_the_table_says_what_the_networks_are(tapped, word):
    known = WORDS[word]
    made = tapped(known.network, known.taps).eval()
    with torch.no_grad():
        maps = made(torch.zeros(1, 3, 128, 64))
    assert tuple(one.shape[1] for one in maps) == known.channels
    sizes = [tuple(one.shape[2:]) for one in maps]
    if word == 'dlib_resnet':
        assert sizes == [(35, 35), (17, 17), (8, 8), (4, 4)]
    else:
        assert sizes == [(128 // stride, 64 // stride) for stride in known.strides]


def test_taps_are_the_networks_own_maps_and_weights_keep_their_names(tapped, registered):
    from mmpose.registry import MODELS

    from benchmark.models.source import stage_taps, tap_channels
    images = torch.randn(2, 3, 64, 64)
    made = tapped(MOBILE, MOBILE_TAPS).eval()
    plain = MODELS.build(dict(MOBILE, out_indices=(1, 2, 4, 7)))
    plain.eval()
    plain.load_state_dict(made.state_dict())
    with torch.no_grad():
        assert all(map(torch.equal, made(images), plain(images)))
    assert isinstance(made, type(plain)) and type(made).__name__ == 'MobileNetV2'
    assert stage_taps(made) == ('stage1', 'stage2', 'stage3', 'stage4')
    assert tap_channels(made) == dict(stage1=8, stage2=8, stage3=24, stage4=1280)
    high = tapped(hrnet(), TAPS['HRNet']).eval()
    plain = MODELS.build(hrnet())
    plain.eval()
    plain.load_state_dict(high.state_dict())
    with torch.no_grad():
        assert torch.equal(high(images)[-1], plain(images)[0]) and len(high(images)) == 4


def trained(network):
    return {name for name, value in network.named_parameters() if value.requires_grad}


def norms(network):
    return {name: module for name, module in network.named_modules() if isinstance(module, nn.BatchNorm2d)}


@pytest.mark.parametrize(('network', 'taps', 'frozen', 'rest'), [
    (MOBILE, MOBILE_TAPS, 3, ('layer6.', 'layer7.', 'conv2.')), (MOBILE, MOBILE_TAPS, 4, ()),
    (MOBILE, MOBILE_TAPS, 1, ('layer3.', 'layer4.', 'layer5.', 'layer6.', 'layer7.', 'conv2.')),
    (MOBILE, MOBILE_TAPS[:3], 2, ('layer4.', 'layer5.')),
    (hrnet(), TAPS['HRNet'], 3, ('transition3.3.', 'stage4.')), (hrnet(), TAPS['HRNet'], 4, ()),
    (SWIN, (), 3, ('stages.2.downsample', 'stages.3.', 'norm3.'))])
def test_what_is_frozen_is_what_the_tap_depends_on(tapped, network, taps, frozen, rest):
    made = tapped(network, taps, frozen_stages=frozen)
    names = {name for name, _ in made.named_parameters()}
    assert trained(made) == {name for name in names if rest and name.startswith(rest)}
    before = {name: value.clone() for name, value in made.state_dict().items()}
    made.train()
    assert {name for name, module in norms(made).items() if module.training} == {
        name for name in norms(made) if rest and name.startswith(rest)}
    maps = made(torch.randn(4, 3, 64, 64))
    if rest:
        maps[-1].square().mean().backward()
        with torch.no_grad():
            for value in made.parameters():
                if value.grad is not None:
                    value -= value.grad
    else:
        assert not maps[-1].requires_grad
    changed = {name for name, value in made.state_dict().items() if not torch.equal(value, before[name])}
    assert all(rest and name.startswith(rest) for name in changed) and bool(changed) == bool(rest)


def test_zeros_freeze_nothing(tapped):
    """A residual branch that starts with a factor of 0 gives the tap nothing yet, and is a part of it all the same."""
    made = tapped(dict(type='ResNet', depth=18, zero_init_residual=True), LAYERS, frozen_stages=1)
    assert all(name.startswith(('layer2.', 'layer3.', 'layer4.')) for name in trained(made))


def test_what_is_behind_a_cut_is_neither_computed_nor_trained(tapped):
    made, calls = tapped(MOBILE, MOBILE_TAPS[:3]), []
    for name in ('layer5', 'layer6', 'conv2'):
        made.get_submodule(name).register_forward_hook(lambda module, *_, name=name: calls.append(name))
    maps = made(torch.randn(2, 3, 64, 64))
    assert len(maps) == 3 and maps[-1].shape[1:] == (24, 4, 4) and calls == ['layer5']
    assert not {name for name in trained(made) if name.startswith(('layer6', 'layer7', 'conv2'))}
    assert all(name in made.state_dict() for name in ('layer6.0.conv.0.conv.weight', 'conv2.conv.weight'))


def test_frozen_stages_of_a_resnet_are_those_of_mmpose(tapped, registered):
    from mmpose.registry import MODELS
    images = torch.randn(4, 3, 64, 64)
    for frozen in (1, 3, 4):
        made = tapped(dict(type='ResNet', depth=18, base_channels=8, stem_channels=8), LAYERS, frozen_stages=frozen)
        plain = MODELS.build(dict(type='ResNet', depth=18, base_channels=8, stem_channels=8, out_indices=(0, 1, 2, 3),
                                  frozen_stages=frozen))
        plain.load_state_dict(made.state_dict())
        made.train()
        plain.train()
        assert trained(made) == trained(plain)
        assert all(map(torch.equal, made(images), plain(images)))
        assert all(torch.equal(value, plain.state_dict()[name]) for name, value in made.state_dict().items())


@pytest.mark.parametrize('kind', ['MobileNetV1', 'DlibResNet', 'EfficientNetLite0'])
def test_frozen_stages_of_our_own_backbones_are_those_that_they_name(tapped, registered, kind):
    from mmpose.registry import MODELS
    made, plain = tapped(dict(type=kind), LAYERS, frozen_stages=3), MODELS.build(dict(type=kind, frozen_stages=3))
    assert trained(made) == trained(plain.train())
    assert {name for name, one in made.train().named_modules() if one.training} == {
        name for name, one in plain.named_modules() if one.training}


def test_asking_draws_no_random_numbers(registered):
    from mmpose.registry import MODELS
    torch.manual_seed(3)
    MODELS.build(dict(MOBILE, out_indices=(7,)))
    expected = torch.rand(1)
    torch.manual_seed(3)
    MODELS.build(dict(type='TappedBackbone', network=MOBILE, taps=MOBILE_TAPS, frozen_stages=3))
    assert torch.equal(torch.rand(1), expected)


def test_batch_norm_as_methods_train_it(tapped):
    from benchmark.models import StochNorm
    frozen = tapped(MOBILE, MOBILE_TAPS, norm_eval=True, norm_cfg=dict(type='BN', requires_grad=False))
    frozen.train()
    assert not any(module.training for module in norms(frozen).values())
    assert trained(frozen) == {name for name, _ in frozen.named_parameters() if '.conv.weight' in name}
    network = dict(type='CSPNeXt', deepen_factor=0.17, widen_factor=0.125)
    made = tapped(network, ('stage1', 'stage2', 'stage3', 'stage4'), norm_cfg=dict(type='StochNorm', p=0.25))
    plain = tapped(network, ('stage1', 'stage2', 'stage3', 'stage4'))
    kinds = [module for module in made.modules() if isinstance(module, StochNorm)]
    assert len(kinds) == len(norms(plain)) and {(one.p, one.eps, one.momentum) for one in kinds} == {(0.25, 1e-3, 0.03)}
    assert made.state_dict().keys() == plain.state_dict().keys()


def test_given_weights_are_loaded_by_their_prefix(tapped, tmp_path):
    """Swin's own loading passes over the prefix, and with it over all weights, in silence."""
    given = tapped(SWIN)
    with torch.no_grad():
        for value in given.parameters():
            value.normal_()
    path = tmp_path / 'source.pth'
    torch.save(dict(state_dict={f'backbone.{name}': value for name, value in given.state_dict().items()}), path)
    made = tapped(SWIN, init_cfg=dict(type='Pretrained', checkpoint=str(path), prefix='backbone.'))
    assert all(torch.equal(value, given.state_dict()[name]) for name, value in made.state_dict().items())


def test_a_classifier_stands_behind_no_other_tap_of_as_many_channels(tapped, tmp_path):
    from benchmark.models.source import FrozenSource
    network, taps, path = hrnet(), TAPS['HRNet'], tmp_path / 'source.pth'
    state = {f'backbone.{name}': value for name, value in tapped(network, taps).state_dict().items()}
    torch.save(dict(meta=dict(arch=dict(network, taps=list(taps))), state_dict=state | {
        'classifier.weight': torch.zeros(5, 4), 'classifier.bias': torch.zeros(5)}), path)
    for count, there in ((4, True), (3, False)):
        source = FrozenSource(dict(type='TappedBackbone', network=network, taps=taps[:count]), str(path))
        assert ('logits' in source.taps) == there


@pytest.mark.parametrize(('network', 'options', 'message'), [
    (MOBILE, dict(taps=('layer2', 'layer9')), "has no module 'layer9'. It has: conv1, layer1, "),
    (MOBILE, dict(taps=('layer3', 'layer2')), 'computes them in another order'),
    (MOBILE, dict(taps=MOBILE_TAPS, frozen_stages=5), 'MobileNetV2 has 4 taps here'),
    (MOBILE, dict(taps=MOBILE_TAPS, frozen_stages=0), 'Give 1 or more, or -1 for none'),
    (SWIN, dict(norm_eval=True), 'SwinTransformer has no batch norm'),
    (SWIN, dict(norm_cfg=dict(type='StochNorm')), 'SwinTransformer has no batch norm'),
    (MOBILE, dict(taps=MOBILE_TAPS, norm_cfg=dict(type='GN', num_groups=2)), "norm_cfg.type='GN': this changes"),
    (MOBILE, dict(taps=MOBILE_TAPS, norm_cfg=dict(type='BN', p=1)), 'norm_cfg.p is unknown')])
def test_what_a_network_is_not(tapped, network, options, message):
    with pytest.raises(ValueError, match=message):
        tapped(network, **options)


@pytest.mark.parametrize('network', [dict(type='MobileNetV2', widen_factor=0.5), dict(type='ShuffleNetV2')],
                         ids=['mobilenet_v2', 'shufflenet_v2'])
def test_an_untrained_source_is_alive(registered, network):
    """As MMPose draws these networks, their maps are 1e-6 of what comes in, once they are frozen."""
    from mmpose.registry import MODELS
    config = dict(network, out_indices=(1, 2, 4, 7) if 'widen_factor' in network else (0, 1, 2))
    state = torch.random.get_rng_state()
    source = MODELS.build(dict(type='FrozenSource', backbone=config, checkpoint='random'))
    assert torch.equal(torch.random.get_rng_state(), state) and not any(m.training for m in source.modules())
    assert {module.momentum for module in source.modules() if hasattr(module, 'running_mean')} == {0.1}
    taps = source(torch.randint(0, 256, (2, 3, 128, 128)).float())
    assert all(0.01 < float(value.std(dim=(2, 3)).mean()) < 100 for name, value in taps.items() if value.dim() == 4)


def test_an_untrained_resnet_stays_as_it_is_drawn(registered):
    from mmpose.registry import MODELS
    config = dict(type='ResNet', depth=18, base_channels=8, stem_channels=8)
    source = MODELS.build(dict(type='FrozenSource', backbone=config, checkpoint='random', seed=4))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(4)
        plain = MODELS.build(config)
        plain.init_weights()
    assert all(torch.equal(value, source.backbone.state_dict()[name]) for name, value in plain.state_dict().items())
