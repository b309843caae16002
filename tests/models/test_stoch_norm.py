"""Stochastic normalisation against batch norm and hand-computed values."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

METHOD = str(Path(__file__).parents[2] / 'mmconfigs/methods/baselines/stoch_norm.py')

# One channel of four values: mean 5, variance 9 (unbiased 12).
VALUES = torch.tensor([2.0, 2, 8, 8]).view(2, 1, 1, 2)


def norm(p: float, channels: int = 1):
    """A layer with moving mean 1, moving variance 4, gamma 3 and beta 1."""
    from benchmark.models import StochNorm
    layer = StochNorm(channels, p=p, eps=1e-12)
    layer.running_mean.fill_(1)
    layer.running_var.fill_(4)
    with torch.no_grad():
        layer.weight.fill_(3)
        layer.bias.fill_(1)
    return layer


@pytest.mark.parametrize(('p', 'expected'), [(1, [-2.0, -2, 4, 4]), (0, [2.5, 2.5, 11.5, 11.5])])
def test_values_by_hand(registered, p, expected):
    layer = norm(p)
    assert layer(VALUES).flatten().tolist() == expected
    # Moving statistics follow the batch whichever of them were used.
    assert layer.running_mean.item() == pytest.approx(0.9 * 1 + 0.1 * 5)
    assert layer.running_var.item() == pytest.approx(0.9 * 4 + 0.1 * 12)
    assert layer.num_batches_tracked == 1


def test_by_the_moving_statistics_the_gradient_is_gamma_over_their_deviation(registered):
    x = VALUES.clone().requires_grad_()
    weights = torch.tensor([1.0, 2, 3, 4]).view_as(x)
    layer = norm(0)
    (layer(x) * weights).sum().backward()
    assert torch.equal(x.grad, weights * 3 / 2)
    assert layer.bias.grad.item() == 10 and layer.weight.grad.item() == (0.5 * 3 + 3.5 * 7)


def test_with_the_batchs_statistics_it_is_batch_norm(registered):
    torch.manual_seed(0)
    x = torch.randn(3, 5, 4, 4)
    results = []
    for layer in (norm(1, 5), torch.nn.BatchNorm2d(5, eps=1e-12)):
        layer.load_state_dict(norm(1, 5).state_dict())
        inputs = x.clone().requires_grad_()
        y = layer(inputs)
        y.pow(3).sum().backward()
        results.append([y, inputs.grad, layer.weight.grad, layer.bias.grad, *layer.buffers()])
    assert all(torch.equal(*pair) for pair in zip(*results))


def test_each_channel_is_drawn_by_itself_from_torchs_generator(registered):
    layer, x = norm(0.3, 1000), VALUES.expand(2, 1000, 1, 2)
    torch.manual_seed(1)
    first = layer(x)
    by_batch = (first[0, :, 0, 0] == -2)
    assert torch.equal(first[0, ~by_batch, 0, 0], torch.full(((~by_batch).sum(),), 2.5))
    # Four standard deviations of a binomial of 1000 and 0.3.
    assert 242 < by_batch.sum() < 358
    drawn = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        drawn.append(norm(0.3, 1000)(x))
    assert torch.equal(first, drawn[0]) and not torch.equal(first, drawn[1])


def test_evaluation_is_batch_norm_and_draws_nothing(registered):
    layer = norm(0.5)
    layer.eval()
    state = torch.get_rng_state()
    assert layer(VALUES).flatten().tolist() == [2.5, 2.5, 11.5, 11.5]
    assert torch.equal(state, torch.get_rng_state()) and layer.running_mean == 1


@pytest.mark.parametrize(('options', 'message'), [
    (dict(p=1.5), r'p=1\.5 is no probability. Give norm_cfg\.p'),
    (dict(track_running_stats=False), 'track_running_stats=False leaves no moving statistics')])
def test_what_makes_no_sense_is_refused(registered, options, message):
    from benchmark.models import StochNorm
    with pytest.raises(ValueError, match=message):
        StochNorm(2, **options)
    with pytest.raises(ValueError, match=r'expected maps \(B, C, H, W\)'):
        StochNorm(2)(torch.zeros(3, 2))


def test_the_sources_weights_fit_and_a_checkpoint_loads_into_ft(build):
    from benchmark.engine import StrictSourceHook
    from benchmark.models import StochNorm
    model, plain = build(METHOD), build('ft')
    StrictSourceHook().before_run(SimpleNamespace(model=model))
    assert isinstance(model.backbone.bn1, StochNorm) and model.backbone.bn1.p == 0.5
    assert sum(isinstance(m, StochNorm) for m in model.modules()) == 20
    assert not any(isinstance(m, StochNorm) for m in model.head.modules())
    states = model.state_dict(), plain.state_dict()
    assert all(torch.equal(states[0][key], value) for key, value in states[1].items())
    plain.load_state_dict(states[0])


def test_norm_eval_freezes_the_statistics(build):
    model = build(METHOD, **{'model.backbone.norm_eval': True})
    model.train()
    assert not model.backbone.layer3[0].bn1.training


def test_vggface2s_network_takes_it(registered):
    from benchmark.models import StochNorm, VGGFace2ResNet
    network = VGGFace2ResNet(18, norm_cfg=dict(type='StochNorm', p=0.25), base_channels=8, stem_channels=8)
    assert network.layer1[0].norm2.p == 0.25 and isinstance(network.norm1, StochNorm)
