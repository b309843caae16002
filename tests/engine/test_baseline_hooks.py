"""Baselines that need no source at work: what they do to weights and learning rates, and that they can be stopped."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from mmengine.hooks import Hook

STEPS = 6  # 3 steps in each of 2 epochs, or 2 in each of 3
BASELINES = Path(__file__).parents[2] / 'mmconfigs/methods/baselines'
HOOKS = {'lp_ft': 'LPFTHook', 'wise_ft': 'WiseFTHook'}


class Seen(Hook):
    """Keeps the weights before each step, and those that are validated and tested."""

    def __init__(self):
        self.steps, self.rates, self.validated, self.tested = [], [], [], []

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        self.steps.append(state(runner))
        self.rates.append(runner.optim_wrapper.param_groups[0]['lr'])

    def before_val_epoch(self, runner):
        self.validated.append(state(runner))

    def before_test_epoch(self, runner):
        self.tested.append(state(runner))


def state(runner) -> dict:
    return {key: value.clone() for key, value in runner.model.state_dict().items()}


def same(one: dict, other: dict) -> bool:
    return one.keys() == other.keys() and all(torch.equal(value, other[key]) for key, value in one.items())


def encoder(weights: dict) -> dict:
    return {key: value for key, value in weights.items() if key.startswith('backbone.')}


@pytest.fixture(scope='module')
def narrow(registered, tmp_path_factory):
    """A source checkpoint: ResNet-18 of width 8 whose batch norm has seen images."""
    from mmpose.registry import MODELS
    torch.manual_seed(3)
    backbone = MODELS.build(dict(type='ResNet', depth=18, stem_channels=8, base_channels=8, zero_init_residual=False))
    backbone.init_weights()
    for _ in range(3):
        backbone(torch.randn(4, 3, 64, 64))
    path = tmp_path_factory.mktemp('narrow') / 'source.pth'
    torch.save(dict(meta={}, state_dict={f'backbone.{k}': v for k, v in backbone.state_dict().items()}), path)
    return path


@pytest.fixture
def baseline(runner, narrow):
    """Builds a runner on a method, by its name among the baselines or as it stands; ``seen`` is what is noted of it."""

    def make(method: str, folder: str = 'run', hook=None, options=None, **settings):
        shipped = BASELINES / f'{method}.py'
        options = {f'custom_hooks.{HOOKS[method]}.{key}': value
                   for key, value in (hook or {}).items()} | (options or {})
        made = runner(str(shipped) if shipped.exists() else method, folder, source=narrow, decoder_channels=8,
                      feature_cache=dict(enabled=False), cfg_options=options,
                      **dict(save_every=None) | settings)
        made.seen = Seen()
        made.register_hook(made.seen, priority='LOWEST')
        return made

    return make


@pytest.fixture
def trained(baseline):
    """Builds, trains and tests in one go: the random numbers are those that the seed has set when it was built."""

    def make(*args, **kwargs):
        one = baseline(*args, **kwargs)
        one.train()
        one.test()
        return one

    return make


# Those that bring a hook or an optimiser of their own; the others are slow only in their number.
@pytest.mark.parametrize('method', [
    pytest.param(path.stem, marks=() if path.stem in ('ema', 'layer_lr', 'wise_ft') else pytest.mark.slow)
    for path in sorted(BASELINES.glob('*.py')) if 'transfer' not in path.read_text()])
def test_every_baseline_trains_tests_and_is_short(trained, method):
    assert sum(bool(line.strip()) for line in (BASELINES / f'{method}.py').read_text().splitlines()) <= 11
    one = trained(method)
    assert one.iter == STEPS and all(torch.isfinite(value).all() for value in one.seen.tested[0].values())
    assert not same(one.seen.steps[0], state(one))


# LP-FT is WiSE-FT's training, and stopped below under either schedule.
@pytest.mark.parametrize('method', [pytest.param('lp_ft', marks=pytest.mark.slow), 'wise_ft', 'ema',
                                    pytest.param('stoch_norm', marks=pytest.mark.slow)])
def test_stopped_and_resumed_it_tests_the_same_weights(baseline, train, method):
    hook = dict(share=1 / 3) if method in ('lp_ft', 'wise_ft') else None
    whole = baseline(method, 'whole', hook)
    drawn = train(whole).drawn
    # After 2 steps, where LP-FT is about to thaw the encoder, and after 4.
    parts = [baseline(method, 'parts', hook, save_every=0.0) for _ in range(3)]
    assert [draw for part, stop in zip(parts, (1, 3, None)) for draw in train(part, (stop,)).drawn] == drawn
    assert same(state(whole), state(parts[-1]))
    whole.test()
    parts[-1].test()
    assert same(whole.seen.tested[0], parts[-1].seen.tested[0])


def test_bn_frozen_leaves_the_encoders_batch_norm_as_it_was(trained):
    one = trained('bn_frozen')
    first, last = one.seen.steps[0], state(one)
    changed = {key for key in last if not torch.equal(first[key], last[key])}
    assert {'backbone.conv1.weight', 'backbone.layer4.1.conv2.weight'} <= changed
    assert not any('bn' in key or 'downsample.1' in key for key in encoder({key: 0 for key in changed}))
    assert any('running_mean' in key for key in changed if key.startswith('head.'))


def test_norm_eval_alone_still_trains_the_affine_parameters(trained):
    one = trained('ft', options={'model.backbone.norm_eval': True})
    first, last = one.seen.steps[0], state(one)
    assert torch.equal(first['backbone.bn1.running_mean'], last['backbone.bn1.running_mean'])
    assert not torch.equal(first['backbone.bn1.weight'], last['backbone.bn1.weight'])


def test_rates_fall_from_the_head_to_the_stem(registered):
    from mmengine.optim import build_optim_wrapper
    from mmpose.registry import MODELS
    for kind, stem in (('ResNet', ('conv1.weight', 'bn1.weight')), ('ResNetV1d', ('stem.0.conv.weight',))):
        backbone = MODELS.build(dict(type=kind, depth=18, stem_channels=8, base_channels=8))
        model = torch.nn.ModuleDict(dict(backbone=backbone, head=torch.nn.Linear(2, 2)))
        groups = build_optim_wrapper(model, dict(
            constructor='StageDecayOptimWrapperConstructor', paramwise_cfg=dict(stage_decay=0.5),
            optimizer=dict(type='Adam', lr=0.032))).optimizer.param_groups
        assert [group['lr'] for group in groups] == [0.032, 0.016, 0.008, 0.004, 0.002, 0.001]
        names = {id(p): name for name, p in model.named_parameters()}
        found = [{names[id(p)] for p in group['params']} for group in groups]
        assert found[0] == {'head.weight', 'head.bias'}
        assert {f'backbone.{name}' for name in stem} <= found[5]
        for place, stage in ((1, 'layer4'), (4, 'layer1')):
            assert found[place] == {name for name in names.values() if f'.{stage}.' in name}
        assert sum(map(len, found)) == len(names)


def test_with_a_factor_of_1_it_is_ft_and_each_rate_decays_by_itself(trained):
    plain, other = trained('ft', 'ft'), trained('layer_lr', 'other')
    one = trained('layer_lr', 'one', options={'optim_wrapper.paramwise_cfg.stage_decay': 1.0})
    assert same(state(plain), state(one)) and not same(state(plain), state(other))
    initial = [group['initial_lr'] for group in other.optim_wrapper.optimizer.param_groups]
    assert initial == pytest.approx([1e-3 / 2.6 ** d for d in range(6)])
    assert other.seen.rates == pytest.approx([1e-3 * (1 - k / 5) ** 0.9 for k in range(STEPS)])


@pytest.mark.parametrize(('options', 'message'), [
    (dict(), 'stage_decay=None is no factor'), (dict(stage_decay=1.5), r'stage_decay=1\.5 is no factor'),
    (dict(stage_decay=0.5, bias_lr_mult=2), r'paramwise_cfg\.bias_lr_mult is unknown here')])
def test_stage_decay_refuses_what_it_does_not_know(registered, options, message):
    from benchmark.engine import StageDecayOptimWrapperConstructor
    config = dict(optimizer=dict(type='Adam', lr=1e-3))
    with pytest.raises(ValueError, match=message):
        StageDecayOptimWrapperConstructor(config, options)
    with pytest.raises(ValueError, match='model.backbone has no residual stages'):
        StageDecayOptimWrapperConstructor(config, dict(stage_decay=0.5))(torch.nn.Linear(2, 2))


@pytest.mark.parametrize('share', [1 / 3, 0.5], ids=['mid-epoch', 'between epochs'])
def test_lp_ft_freezes_the_whole_encoder_and_then_trains_it(trained, share):
    one = trained('lp_ft', hook=dict(share=share))
    steps, switch = [*one.seen.steps, state(one)], round(STEPS * share)
    # MMEngine's polynomial decay ends at 0 in the last iteration, which changes nothing but statistics.
    for before, after, index in zip(steps, steps[1:], range(STEPS - 1)):
        assert same(encoder(before), encoder(after)) == (index < switch)
        assert not torch.equal(before['head.final_layer.weight'], after['head.final_layer.weight'])
    assert not any(torch.equal(value, steps[0][key]) for key, value in encoder(steps[-1]).items())
    # Adam knows the encoder since the switch only.
    optimizer, backbone = one.optim_wrapper.optimizer, one.model.backbone
    assert {int(optimizer.state[p]['step']) for p in backbone.parameters()} == {STEPS - switch}
    assert {int(optimizer.state[p]['step']) for p in one.model.head.parameters()} == {STEPS}


def test_while_it_is_frozen_adam_has_no_state_of_the_encoder(trained):
    one = trained('lp_ft', hook=dict(share=1.0))
    assert not any(p in one.optim_wrapper.optimizer.state for p in one.model.backbone.parameters())


@pytest.mark.parametrize(('share', 'method'), [(0.0, 'ft'), (1.0, 'fe')])
def test_the_ends_of_lp_ft_are_ft_and_fe(trained, share, method):
    one = trained('lp_ft', 'lp_ft', dict(share=share), batch_size=4, epochs=3)
    assert same(state(one), state(trained(method, 'other', batch_size=4, epochs=3)))


def test_what_the_config_freezes_stays_frozen(trained):
    one = trained('lp_ft', options={'model.backbone.frozen_stages': 2})
    changed = {key for key, value in state(one).items() if not torch.equal(value, one.seen.steps[0][key])}
    assert not any(key.startswith(('backbone.conv1', 'backbone.bn1', 'backbone.layer1', 'backbone.layer2'))
                   for key in changed)
    assert 'backbone.layer3.0.conv1.weight' in changed


@pytest.mark.parametrize(('restart', 'rates'), [
    (False, [(1 - k / 5) ** 0.9 for k in range(6)]),
    (True, [1, 0.5 ** 0.9, 1, (3 / 4) ** 0.9, (2 / 4) ** 0.9, (1 / 4) ** 0.9])])
def test_one_schedule_for_both_phases_or_one_for_each(baseline, train, restart, rates):
    hook = dict(share=1 / 3, restart=restart)
    whole = baseline('lp_ft', 'whole', hook)
    train(whole)
    assert whole.seen.rates == pytest.approx([1e-3 * rate for rate in rates])
    parts = [baseline('lp_ft', 'parts', hook, save_every=0.0) for _ in range(3)]
    for part, stop in zip(parts, (1, 3, None)):
        train(part, (stop,))
    assert [rate for part in parts for rate in part.seen.rates] == whole.seen.rates
    assert same(state(whole), state(parts[-1]))


def test_lp_ft_and_wise_ft_refuse_what_makes_no_sense(registered, baseline):
    from benchmark.engine import LPFTHook, WiseFTHook
    for make, message in ((lambda: LPFTHook(share=1.2), r'LPFTHook: share=1\.2 is no part of a training'),
                          (lambda: WiseFTHook(share=0), 'share=0 leaves no trained network before fine-tuning'),
                          (lambda: WiseFTHook(alpha=2), 'alpha=2 is not between the two networks')):
        with pytest.raises(ValueError, match=message):
            make()
    one = baseline('lp_ft', hook=dict(restart=True), options={'param_scheduler.0.convert_to_iter_based': False})
    with pytest.raises(ValueError, match='restart=True needs PolyLR per iteration in param_scheduler'):
        one.train()


def test_the_average_of_the_weights_by_hand(registered):
    from benchmark.engine import AveragedWeightsHook
    model = torch.nn.BatchNorm1d(1)
    hook = AveragedWeightsHook(ema_type='MomentumAnnealingEMA', momentum=0.75, gamma=1, update_buffers=True)
    runner = SimpleNamespace(model=model, iter=0)
    hook.before_run(runner)
    for value in (2.0, 4.0, 8.0):
        with torch.no_grad():
            model.weight.fill_(value)
            model.running_mean.fill_(-value)
        hook.after_train_iter(runner, 0)
        runner.iter += 1
    # 2; then 2/4 + 3 * 4/4 = 3.5 by max(0.75, 1/2); then 3.5/4 + 3 * 8/4 = 6.875 by max(0.75, 1/3)
    hook.before_run(runner)
    hook.before_test_epoch(runner)
    assert model.weight.item() == 6.875 and model.running_mean.item() == -6.875
    hook.after_test_epoch(runner)
    assert model.weight.item() == 8.0


def test_the_average_is_what_is_validated_tested_and_kept_and_the_training_is_fts(trained):
    plain, one = trained('ft', 'ft'), trained('ema', 'ema', val_interval=1)
    assert same(state(plain), state(one)) and not same(plain.seen.tested[0], one.seen.tested[0])
    weights = [*one.seen.steps[1:], state(one)]
    # gamma = 9: the momenta of steps 2, 3, ... are 9/10, 9/11, ...
    for key in ('backbone.conv1.weight', 'backbone.bn1.running_var', 'head.final_layer.bias'):
        average = weights[0][key].double()
        for count, step in enumerate(weights[1:], start=1):
            average += 9 / (9 + count) * (step[key].double() - average)
        torch.testing.assert_close(one.seen.tested[0][key].double(), average)
    assert same(one.seen.validated[-1], one.seen.tested[0])
    kept = torch.load(Path(one.work_dir) / 'epoch_2.pth', weights_only=True)
    assert same(kept['state_dict'], one.seen.tested[0])


def test_interpolation_by_hand(registered):
    from benchmark.engine.wise_ft_hook import interpolate
    before = dict(weight=torch.tensor([1.0, -2.0]), running_var=torch.tensor([4.0]), batches=torch.tensor(3))
    after = dict(weight=torch.tensor([3.0, 2.0]), running_var=torch.tensor([8.0]), batches=torch.tensor(9))
    found = interpolate(before, after, 0.25)
    assert {k: v.tolist() for k, v in found.items()} == dict(weight=[1.5, -1.0], running_var=[5.0], batches=9)
    assert same(interpolate(before, after, 1.0), after)


def test_wise_ft_trains_as_lp_ft_and_shows_what_lies_between(trained):
    lp_ft, one = trained('lp_ft'), trained('wise_ft', val_interval=1)
    assert same(state(lp_ft), state(one))
    before, after = one.seen.steps[3], state(one)
    for key, value in one.seen.tested[0].items():
        if value.is_floating_point():
            torch.testing.assert_close(value, (before[key] + after[key]) / 2, msg=key)
    assert not same(one.seen.tested[0], lp_ft.seen.tested[0])
    # Before the switch a validation sees the network itself; afterwards what would be tested.
    assert same(one.seen.validated[0], before) and same(one.seen.validated[1], one.seen.tested[0])
    kept = torch.load(Path(one.work_dir) / 'epoch_2.pth', weights_only=True)
    assert same(kept['state_dict'], one.seen.tested[0])
    assert same(kept['wise_ft']['before'], before) and same(kept['wise_ft']['after'], after)


@pytest.mark.parametrize('alpha', [0.0, 1.0])
def test_the_ends_of_wise_ft_are_lp_fts_networks(trained, alpha):
    one = trained('wise_ft', hook=dict(alpha=alpha))
    assert same({k: v for k, v in one.seen.tested[0].items() if v.is_floating_point()},
                {k: v for k, v in (state(one) if alpha else one.seen.steps[3]).items() if v.is_floating_point()})


@pytest.mark.parametrize('method', ['wise_ft', 'ema'])
def test_the_best_checkpoint_is_tested_as_it_was_validated(baseline, method):
    from benchmark.experiments.run.tested import load_best
    one = baseline(method, selection='best_val')
    one.train()
    path = Path(one.message_hub.get_info('best_ckpt'))
    load_best(one, path)
    one.test()
    assert any(same(one.seen.tested[0], validated) for validated in one.seen.validated)


def test_weight_decay_is_part_of_adams_gradient(trained):
    """Of a weight without any other gradient, Adam's first step is by its rate towards 0, however small the decay."""
    one = trained('l2', batch_size=8, epochs=2)
    group, = one.optim_wrapper.param_groups
    assert group['weight_decay'] == 1e-4
    weight = torch.nn.Parameter(torch.tensor([0.5, -0.25]))
    weight.grad = torch.zeros(2)
    options = {key: one.cfg.optim_wrapper.optimizer[key] for key in ('lr', 'weight_decay', 'fused')}
    torch.optim.Adam([weight], **options).step()
    torch.testing.assert_close(weight.data, torch.tensor([0.499, -0.249]), rtol=0, atol=2e-6)


def test_from_scratch_the_network_is_the_sources_and_its_weights_are_random(registered, narrow, baseline):
    from benchmark.experiments.plan.encoder import fit_source, uses_source
    one = baseline('scratch')
    assert not uses_source(one.cfg)
    one.train()
    first = one.seen.steps[0]
    source = torch.load(narrow, weights_only=True)['state_dict']
    assert not any(torch.equal(first[key], value) for key, value in source.items() if 'conv' in key)
    # He et al.: a variance of 2 over the outputs' fan.
    weight = first['backbone.layer4.1.conv1.weight']
    assert weight.var().item() == pytest.approx(2 / (64 * 9), rel=0.1)
    assert not first['backbone.layer1.0.bn2.weight'].any()
    arch = dict(type='VGGFace2ResNet', depth=34, base_channels=16, stem_channels=16)
    fit_source(one.cfg, arch, dict(mean=[1, 2, 3], std=[1, 1, 1]))
    assert {key: one.cfg.model.backbone[key] for key in arch} == arch and one.cfg.model.head.in_channels == 128
    assert one.cfg.model.data_preprocessor.mean == [1, 2, 3]


def test_the_protocol_names_what_a_baseline_changes(registered):
    from mmengine.config import Config

    from benchmark.experiments.plan.protocol import protocol

    def changes(path):
        return protocol(Config.fromfile(path))

    plain = changes(BASELINES.parent / 'ft.py')
    expected = dict(
        bn_frozen=dict(batch_norm_frozen=True, batch_norm_affine_frozen=True),
        layer_lr=dict(learning_rate_factor_per_stage=1 / 2.6),
        lp_ft=dict(encoder_frozen_share=0.5, schedule_restarts=False),
        wise_ft=dict(encoder_frozen_share=0.5, schedule_restarts=False, fine_tuned_weight=0.5),
        ema=dict(weights_averaged='MomentumAnnealingEMA, momentum 0.001, gamma 9, update_buffers True'),
        stoch_norm=dict(encoder_normalisation='StochNorm, p 0.5'), l2=dict(weight_decay=1e-4),
        scratch=dict(encoder_starts_from='random weights'))
    for name, changed in expected.items():
        found = changes(BASELINES / f'{name}.py')
        assert {key: value for key, value in found.items() if plain.get(key) != value} == changed
