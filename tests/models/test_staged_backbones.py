"""Backbones of converted networks as encoders: their maps, what is frozen, how they train."""

import benchmark

benchmark.register()

import pytest
import torch
from mmengine.structures import InstanceData
from mmpose.registry import MODELS
from mmpose.structures import PoseDataSample
from tfjs_files import same
from torch.nn.modules.batchnorm import _BatchNorm

from benchmark.engine.frozen_forward import cache_stages, frozen_stages, stage_modules
from benchmark.models.backbones.staged import ClampedReLU6, same_convolution

KINDS = {'MobileNetV1': [128, 256, 512, 1024], 'DlibResNet': [32, 64, 128, 256],
         'EfficientNetLite0': [24, 40, 112, 320]}
SIZES = {'DlibResNet': [35, 17, 8, 4]}


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


def images(side=64, count=2):
    return torch.randn(count, 3, side, side, generator=torch.Generator().manual_seed(0))


def test_maps_and_channels(kind):
    with torch.device('meta'):
        outputs = MODELS.build({'type': kind})(torch.empty(1, 3, 128, 128))
        some = MODELS.build({'type': kind, 'out_indices': (1, 2)})(torch.empty(1, 3, 128, 128))
    assert [one.shape[1] for one in outputs] == KINDS[kind]
    assert [one.shape[-1] for one in outputs] == SIZES.get(kind, [32, 16, 8, 4])
    assert [one.shape for one in some] == [outputs[1].shape, outputs[2].shape]


def test_an_untrained_network_in_evaluation_mode_is_alive(kind):
    """The control of a random source, frozen: its maps differ from place to place, on the scale of what comes in."""
    torch.manual_seed(0)
    network = MODELS.build(dict(type=kind)).eval()
    network.init_weights()
    with torch.no_grad():
        maps = network(torch.randn(2, 3, 128, 128))
    assert all(0.1 < float(one.std(dim=(2, 3)).mean()) < 300 for one in maps)


def test_mobilenet_has_its_papers_weights():
    with torch.device('meta'):
        model, narrow = MODELS.build({'type': 'MobileNetV1'}), MODELS.build({'type': 'MobileNetV1', 'width': .5})
    # 4.2 M with 1000 classes, 1.3 M at half width (table 8 of the paper).
    assert sum(one.numel() for one in model.parameters()) == 4_231_976 - 1025 * 1000
    assert narrow.feat_dim == 512


@pytest.mark.parametrize(('kernel', 'stride', 'side'), [(3, 2, 8), (3, 2, 9), (5, 2, 8), (5, 2, 11), (3, 1, 7),
                                                        (5, 1, 6)])
def test_padding_is_tensorflows(kernel, stride, side):
    layer, x = same_convolution(2, 4, kernel, stride), torch.randn(1, 2, side, side + 3)
    with torch.no_grad():
        torch.testing.assert_close(layer(x), same(x, layer.weight, stride))
    assert layer(x).shape[-2:] == (-(-side // stride), -(-(side + 3) // stride))


@pytest.mark.parametrize('last', [True, False])
def test_lean_layers_have_the_bits_of_torchs(last):
    """ReLU6 and the padding of the convolutions that halve, forward and backward."""
    x = torch.randn(2, 4, 8, 10, generator=torch.Generator().manual_seed(0)) * 5
    x[0, 0, 0, :3] = torch.tensor([0., 6., -0.])
    x = x.contiguous(memory_format=torch.channels_last if last else torch.contiguous_format).requires_grad_()
    convolution, plain = same_convolution(4, 4, 3, 2, groups=4), torch.nn.ReLU6()

    def lean(x):
        return convolution(ClampedReLU6()(x * 1))

    def stock(x):
        padded = torch.nn.functional.pad(plain(x * 1), (0, 1, 0, 1))
        return torch.nn.functional.conv2d(padded, convolution.weight, stride=2, groups=4)

    found, expected = lean(x), stock(x)
    g = torch.randn(found.shape, generator=torch.Generator().manual_seed(1))
    assert torch.equal(found, expected)
    for one, other in zip(*(torch.autograd.grad(value, [x, convolution.weight], g) for value in (found, expected))):
        assert torch.equal(one, other)
    with torch.no_grad():
        assert torch.equal(lean(x), expected)


@pytest.mark.parametrize('frozen', [-1, 0, 1, 3, 4])
def test_frozen_stages_stay_as_they_are(kind, frozen):
    model = MODELS.build({'type': kind, 'frozen_stages': frozen})
    assert model.train() is model
    for number, name in enumerate(('stem', *model.res_layers)):
        part = getattr(model, name)
        kept = number <= frozen
        assert {one.requires_grad for one in part.parameters()} == {not kept}
        assert {one.training for one in part.modules() if isinstance(one, _BatchNorm)} == {not kept}
    before = {name: value.clone() for name, value in model.state_dict().items()}
    optimiser = torch.optim.SGD([one for one in model.parameters() if one.requires_grad] or [torch.zeros(1)], 1.0)
    if frozen < 4:
        model(images())[-1].square().mean().backward()
        optimiser.step()
    changed = {name.split('.')[0] for name, value in model.state_dict().items() if not torch.equal(value, before[name])}
    assert changed == {name for number, name in enumerate(('stem', *model.res_layers)) if number > frozen}


def test_norms_in_evaluation_mode_still_train(kind):
    model = MODELS.build({'type': kind, 'norm_eval': True}).train()
    assert not any(one.training for one in model.modules() if isinstance(one, _BatchNorm))
    assert all(one.requires_grad for one in model.parameters())


@pytest.mark.parametrize(('options', 'message'), [
    (dict(out_indices=()), r'out_indices=\(\) names no stages. Give some of 0 to 3'),
    (dict(out_indices=(4,)), '0 to 3'), (dict(frozen_stages=-2), '-1 to 4'),
    (dict(frozen_stages=5), 'frozen_stages=5 is no number of stages. Give -1 to 4')])
def test_stages_that_are_not_there(kind, options, message):
    with pytest.raises(ValueError, match=f'{kind}: .*{message}'):
        MODELS.build({'type': kind, **options})


def test_sizes_inside_are_told_apart():
    """Same weights, other maps: the keys of cached features differ."""
    from benchmark.engine.frozen_forward import structure
    assert len({structure(MODELS.build(dict(type='DlibResNet', side=side))) for side in (96, 150, None)}) == 3


def test_a_width_without_channels():
    with pytest.raises(ValueError, match=r'MobileNetV1: width=0.01 leaves no channels'):
        MODELS.build({'type': 'MobileNetV1', 'width': .01})


@torch.no_grad()
def test_the_engine_starts_behind_frozen_stages(kind):
    """FE and FTP compute the frozen stages once, through the attributes of MMPose's ResNet."""
    model = MODELS.build({'type': kind, 'frozen_stages': 3}).eval()
    assert frozen_stages(model) == 3
    assert [*stage_modules(model)] == [model.stem, model.layer1, model.layer2, model.layer3]
    expected = model(images())[-1]

    class Outputs:
        views = (0, 1)

        def __call__(self, batch, compute):
            return compute(batch)

    cache_stages(model, Outputs())
    assert torch.equal(model(images())[-1], expected)


def test_an_encoder_trains_in_mmposes_estimator(kind, tmp_path):
    """A step of FT changes every stage, and starts from the weights of a source's checkpoint."""
    source = MODELS.build({'type': kind})
    source.init_weights()
    torch.save({'state_dict': {f'backbone.{key}': value for key, value in source.state_dict().items()}},
               tmp_path / 'source.pth')
    model = MODELS.build(dict(
        type='TopdownPoseEstimator',
        backbone=dict(type=kind, out_indices=(2,), init_cfg=dict(
            type='Pretrained', checkpoint=str(tmp_path / 'source.pth'), prefix='backbone.')),
        head=dict(type='HeatmapHead', in_channels=KINDS[kind][2], out_channels=4, deconv_out_channels=(8, 8),
                  deconv_kernel_sizes=(4, 4), loss=dict(type='KeypointMSELoss', use_target_weight=True))))
    model.init_weights()
    model.train()
    assert all(torch.equal(value, source.state_dict()[key]) for key, value in model.backbone.state_dict().items())
    side = 32 if kind == 'DlibResNet' else 16
    samples = []
    for _ in range(2):
        sample = PoseDataSample(gt_instance_labels=InstanceData(keypoint_weights=torch.ones(1, 4)))
        sample.gt_fields = InstanceData()
        sample.gt_fields.set_data(dict(heatmaps=torch.rand(4, side, side)))
        samples.append(sample)
    losses = model.loss(images(), samples)
    losses['loss_kpt'].backward()
    used = {name.split('.')[0] for name, one in model.backbone.named_parameters()
            if one.grad is not None and one.grad.any()}
    assert used == {'stem', 'layer1', 'layer2', 'layer3'}
