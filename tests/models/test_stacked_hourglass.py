"""The stacked hourglass and its head."""

import benchmark

benchmark.register()

import pytest
import torch
from mmengine.structures import InstanceData, PixelData
from mmpose.registry import MODELS
from mmpose.structures import PoseDataSample
from torch import nn

from benchmark.models.backbones import StackedHourglass
from benchmark.models.hourglass_head import HourglassHead

SMALL = {'type': 'StackedHourglass', 'out_channels': 3, 'channels': 16, 'num_stacks': 3, 'depth': 2}


def build(**options) -> StackedHourglass:
    """A small, initialised network; seeded."""
    torch.manual_seed(0)
    model = MODELS.build({**SMALL, **options})
    model.init_weights()
    return model


def samples(targets: torch.Tensor, weights: torch.Tensor) -> list[PoseDataSample]:
    """Data samples with given heatmaps (N, K, h, w) and weights (N, K)."""
    result = []
    for target, weight in zip(targets, weights, strict=True):
        sample = PoseDataSample()
        sample.gt_fields = PixelData(heatmaps=target)
        sample.gt_instance_labels = InstanceData(keypoint_weights=weight[None])
        result.append(sample)
    return result


@pytest.mark.parametrize(('stacks', 'millions'), [(2, 6.7), (8, 25.6)])
def test_parameter_count_is_the_published_one(stacks, millions):
    with torch.device('meta'):
        model = MODELS.build({'type': 'StackedHourglass', 'out_channels': 16, 'num_stacks': stacks})
    assert sum(p.numel() for p in model.parameters()) == pytest.approx(millions * 1e6, rel=0.02)


@pytest.mark.parametrize(('side', 'depth'), [(256, 4), (128, 4), (64, 4), (32, 3)])
def test_each_stack_gives_quarter_size_heatmaps(side, depth):
    model = build(depth=depth, num_stacks=2, channels=8).eval()
    with torch.no_grad():
        heatmaps = model(torch.randn(1, 3, side, side))
    assert [tuple(h.shape) for h in heatmaps] == [(1, 3, side // 4, side // 4)] * 2


def test_oblong_image():
    with torch.no_grad():
        assert build().eval()(torch.randn(1, 3, 32, 48))[-1].shape == (1, 3, 8, 12)


def test_hourglass_pools_depth_times():
    model, shapes = build(num_stacks=1, depth=3), []
    for module in model.hourglasses.modules():
        if isinstance(module, nn.Conv2d) and module.kernel_size == (3, 3):
            module.register_forward_hook(lambda _, __, output: shapes.append(output.shape[-1]))
    model(torch.randn(2, 3, 64, 64))
    assert sorted(set(shapes)) == [2, 4, 8, 16]


def test_size_that_cannot_be_pooled_is_refused():
    with pytest.raises(ValueError, match='divisible by 16'):
        build()(torch.randn(2, 3, 40, 64))
    with pytest.raises(ValueError, match='larger batch'):
        build()(torch.randn(1, 3, 16, 16))


@pytest.mark.parametrize('options', [{'depth': 0}, {'num_stacks': 0}, {'channels': 12}])
def test_bad_options_are_refused(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        build(**options)


def test_every_parameter_gets_a_gradient():
    model = build()
    nn.init.normal_(model.predict[0].weight)  # re-injected heatmaps of a size that shows above rounding
    nn.init.normal_(model.predict[1].weight)
    sum(h.square().sum() for h in model(torch.randn(2, 3, 32, 32))).backward()
    assert [n for n, p in model.named_parameters() if p.grad is None or not p.grad.abs().max() > 0] == []


@pytest.mark.parametrize('path', ['inject_heatmaps', 'inject_features'])
def test_next_stack_sees_heatmaps_and_features(path):
    model, images = build().eval(), torch.randn(1, 3, 32, 32)
    with torch.no_grad():
        nn.init.normal_(model.predict[0].weight)
        before = model(images)
        getattr(model, path)[0].weight.zero_()
        after = model(images)
    assert torch.equal(before[0], after[0])
    assert not torch.allclose(before[1], after[1])
    assert not torch.allclose(before[2], after[2])


def test_prediction_of_a_stack_changes_only_later_stacks():
    model, images = build().eval(), torch.randn(1, 3, 32, 32)
    with torch.no_grad():
        before = model(images)
        model.predict[1].weight.add_(1.0)
        after = model(images)
    assert torch.equal(before[0], after[0])
    assert not torch.allclose(before[1], after[1])
    assert not torch.allclose(before[2], after[2])


def test_reinjection_is_the_sum_of_the_equation():
    model, images = build(num_stacks=2).eval(), torch.randn(1, 3, 32, 32)
    inputs = []
    model.hourglasses[1].register_forward_pre_hook(lambda _, arguments: inputs.append(arguments[0]))
    with torch.no_grad():
        heatmaps = model(images)
        x = model.stem(images)
        features = model.features[0](model.hourglasses[0](x))
        by_features = torch.einsum('oc,nchw->nohw', model.inject_features[0].weight[:, :, 0, 0], features)
        by_heatmaps = torch.einsum('ok,nkhw->nohw', model.inject_heatmaps[0].weight[:, :, 0, 0], heatmaps[0])
    torch.testing.assert_close(inputs[0], x + by_features + by_heatmaps, rtol=1e-4, atol=1e-5)


def test_initialisation():
    model = build(channels=64)
    assert model.predict[0].weight.std().item() == pytest.approx(1e-3, rel=0.3)
    assert model.predict[0].bias.abs().max() == 0
    conv = model.hourglasses[0][1][0].conv2.weight
    assert conv.std().item() == pytest.approx((2 / (32 * 9)) ** 0.5, rel=0.05)


def test_loss_is_the_sum_over_stacks_by_hand():
    head = MODELS.build({'type': 'HourglassHead', 'out_channels': 2,
                         'loss': {'type': 'KeypointMSELoss', 'use_target_weight': True}})
    assert isinstance(head, HourglassHead)
    assert list(head.parameters()) == []
    targets = torch.zeros(2, 2, 4, 4)
    weights = torch.tensor([[1.0, 1.0], [1.0, 0.0]])
    feats = tuple(torch.full((2, 2, 4, 4), value) for value in (1.0, 2.0, 3.0))
    losses = head.loss(feats, samples(targets, weights), {'compute_acc': False})
    # Three of four heatmaps count, and the mean is over all four.
    assert {k: v.item() for k, v in losses.items()} == {'loss_kpt_stack0': 0.75, 'loss_kpt_stack1': 3.0,
                                                        'loss_kpt': 6.75}


def test_accuracy_of_the_last_stack_is_logged_on_request():
    head = HourglassHead(out_channels=2)
    target = torch.zeros(1, 2, 8, 8)
    target[0, 0, 2, 3] = target[0, 1, 5, 6] = 1
    data = samples(target, torch.ones(1, 2))
    assert head.loss((1 - target, target), data)['acc_pose'].item() == 1.0
    assert head.loss((target, target.flip(-1)), data)['acc_pose'].item() == 0.0


def test_heatmaps_that_do_not_fit_the_target_are_refused():
    data = samples(torch.zeros(1, 2, 4, 4), torch.ones(1, 2))
    with pytest.raises(ValueError, match='heatmap_size'):
        HourglassHead(out_channels=2).loss((torch.zeros(1, 2, 8, 8),), data)


def test_prediction_decodes_the_last_stack():
    codec = {'type': 'MSRAHeatmap', 'input_size': (32, 32), 'heatmap_size': (8, 8), 'sigma': 1.0}
    head = HourglassHead(out_channels=1, decoder=codec)
    first, last = torch.zeros(1, 1, 8, 8), torch.zeros(1, 1, 8, 8)
    first[0, 0, 1, 1] = last[0, 0, 5, 3] = 1
    keypoints, = head.predict((first, last), [None], {})
    assert keypoints.keypoints[0, 0].tolist() == pytest.approx([3 * 4, 5 * 4], abs=1.1)
    predictions, fields = head.predict((first, last), [None], {'output_heatmaps': True})
    assert torch.equal(fields[0].heatmaps, last[0])
    assert len(predictions) == 1


def test_trains_in_mmpose_estimator():
    model = MODELS.build({'type': 'TopdownPoseEstimator', 'backbone': SMALL,
                          'head': {'type': 'HourglassHead', 'out_channels': 3}})
    model.init_weights()
    losses = model.loss(torch.randn(2, 3, 32, 32), samples(torch.rand(2, 3, 8, 8), torch.ones(2, 3)))
    total, _ = model.parse_losses(losses)
    expected = losses['loss_kpt'] + losses['loss_kpt_stack0'] + losses['loss_kpt_stack1']
    assert total.item() == pytest.approx(expected.item(), rel=1e-6)
    total.backward()
    assert model.backbone.stem[0].weight.grad.abs().max() > 0
