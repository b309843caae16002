"""What must hold of the CTD estimator and its source."""

import copy

import pytest
import torch
from torch.optim import Adam

STEPS = 4
#: Regularised methods, each with the names of its regularisers.
REGULARISERS = dict(ctd_com=('cd', 'ed'), rtl=('cd', 'ed', 'sa', 'ca'), rtl_spatial=('sa',), rtl_channel=('ca',))


def train(model, batch, steps=STEPS):
    """A few steps of Adam as MMEngine does them."""
    optimiser = Adam([p for p in model.parameters() if p.requires_grad], lr=1e-3)
    log = []
    for _ in range(steps):
        model.train()
        data = model.data_preprocessor(copy.deepcopy(batch), True)
        losses = model(**data, mode='loss')
        total, values = model.parse_losses(losses)
        optimiser.zero_grad()
        total.backward()
        optimiser.step()
        log.append({k: float(torch.as_tensor(v).detach()) for k, v in values.items()})
    return log


def same(a: dict, b: dict) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


@pytest.mark.parametrize('method', REGULARISERS)
def test_lambda_zero_is_fine_tuning_bit_for_bit(build, batch, method):
    lambda_0 = {f'model.head.transfer.{name}.weight': 0.0 for name in REGULARISERS[method]}
    ft, ctd = build('ft'), build(method, **lambda_0)
    assert not any(loss.weight for loss in ctd.head.transfer.values())
    assert same(ft.state_dict(), ctd.state_dict())
    train(ft, batch), train(ctd, batch)
    assert same(ft.state_dict(), ctd.state_dict())


def test_regularisers_change_the_weights(build, batch):
    ft, ctd = build('ft'), build('ctd_com', **{'model.head.transfer.ed.weight': 1.0})
    train(ft, batch), train(ctd, batch)
    assert not same(ft.state_dict(), ctd.state_dict())


def test_the_target_starts_as_the_source(build, narrow_source):
    source = torch.load(narrow_source, weights_only=True)['state_dict']
    for method in ('fe', 'ft', 'ctd_ed'):
        state = build(method).state_dict()
        assert all(torch.equal(state[k], v) for k, v in source.items() if k.startswith('backbone.'))


def test_checkpoint_loads_strictly_both_ways(build, config, narrow_source, batch):
    from mmpose.registry import MODELS

    from benchmark.models import plain_model
    ft, ctd = build('ft'), build('ctd_com')
    train(ctd, batch, 1)
    ft.load_state_dict(ctd.state_dict(), strict=True)
    ctd.load_state_dict(ft.state_dict(), strict=True)
    plain = MODELS.build(plain_model(config('ctd_com', narrow_source, width=8).model.to_dict()))
    assert type(plain).__name__ == 'TopdownPoseEstimator' and not hasattr(plain, 'source')
    plain.load_state_dict(ctd.state_dict(), strict=True)


def test_mmengine_checkpoint_holds_no_source(build, tmp_path):
    from mmengine.runner.checkpoint import get_state_dict
    keys = get_state_dict(build('ctd_com'))
    assert not [k for k in keys if 'source' in k or 'classifier' in k or 'transfer' in k]


def test_a_strict_load_still_misses_real_weights(build):
    ctd = build('ctd_com')
    state = dict(build('ft').state_dict())
    state.pop('head.final_layer.weight')
    with pytest.raises(RuntimeError, match='head.final_layer.weight'):
        ctd.load_state_dict(state, strict=True)


@pytest.mark.parametrize('batch_norm', ['eval', 'train'])
def test_source_never_changes(build, batch, batch_norm):
    ctd = build('ctd_com', **{'model.source.batch_norm': batch_norm})
    before = copy.deepcopy(ctd.source.state_dict())
    train(ctd, batch)
    assert same(before, ctd.source.state_dict())
    assert not any(p.requires_grad for p in ctd.source.parameters())
    modes = {m.training for m in ctd.source.modules() if isinstance(m, torch.nn.BatchNorm2d)}
    assert modes == {batch_norm == 'train'}


def test_source_batch_norm_in_train_mode_uses_the_batch(build):
    images = torch.rand(2, 3, 64, 64) * 255
    taps = [build('ctd_ed', **{'model.source.batch_norm': mode}).source(images)['stage4'] for mode in ('eval', 'train')]
    assert not torch.allclose(*taps)


def test_init_weights_leaves_source_and_classifier(build, narrow_source):
    ctd = build('ctd_com')
    state = torch.load(narrow_source, weights_only=True)['state_dict']
    ctd.init_weights()
    assert torch.equal(ctd.source.backbone.conv1.weight, state['backbone.conv1.weight'])
    assert torch.equal(ctd.head.classifier.weight, state['classifier.weight'])


def test_classifier_is_trained_or_frozen(build, batch, narrow_source):
    start = torch.load(narrow_source, weights_only=True)['state_dict']['classifier.weight']
    heavy = {'model.head.transfer.cd.weight': 1.0}
    trained, frozen = build('ctd_cd', **heavy), build('ctd_cd', **heavy, **{'model.head.train_classifier': False})
    train(trained, batch), train(frozen, batch)
    assert not torch.equal(trained.head.classifier.weight, start)
    assert torch.equal(frozen.head.classifier.weight, start)


def test_log_has_values_and_gradient_ratio(build, batch):
    log = train(build('ctd_com'), batch, 1)[0]
    assert log['loss_ed'] == pytest.approx(0.002 * log['raw_ed'])
    assert log['loss'] == pytest.approx(log['loss_kpt'] + log['loss_cd'] + log['loss_ed'])
    assert log['ratio_ed'] > 0 and log['ratio_cd'] >= 0


def test_gradient_ratio_is_that_of_the_gradients(build, batch):
    model = build('ctd_ed')
    model.train()
    data = model.data_preprocessor(copy.deepcopy(batch), True)
    losses = model(**data, mode='loss')

    def norm(value):
        model.zero_grad()
        value.backward(retain_graph=True)
        return sum(p.grad.square().sum() for p in model.backbone.parameters() if p.grad is not None) ** 0.5

    expected = norm(losses['loss_ed']) / norm(losses['loss_kpt'])
    assert losses['ratio_ed'] == pytest.approx(float(expected), rel=1e-4)


def test_missing_source(build, tmp_path):
    from benchmark.models import SourceError
    with pytest.raises(SourceError, match='no such source checkpoint'):
        build('ctd_ed', **{'model.source.checkpoint': str(tmp_path / 'absent.pth')})


def test_source_of_another_kind_with_the_same_shapes(build, narrow_source, tmp_path):
    from benchmark.models import SourceError
    content = torch.load(narrow_source, weights_only=True)
    path = tmp_path / 'vggface2.pth'
    torch.save(content | dict(meta=dict(arch=dict(type='VGGFace2ResNet', depth=18))), path)
    with pytest.raises(SourceError, match="made with type='VGGFace2ResNet'"):
        build('ctd_ed', **{'model.source.checkpoint': str(path)})


def test_source_of_another_shape(build):
    from benchmark.models import SourceError
    with pytest.raises(SourceError, match=r'backbone\..* another architecture|needs|no place'):
        build('ctd_ed', **{'model.source.backbone.depth': 34})


@pytest.mark.parametrize(('method', 'name'), [('rtl_spatial', 'sa'), ('rtl_channel', 'ca')])
@pytest.mark.parametrize('network', ['source.backbone', 'backbone'])
def test_attention_without_its_tap_is_refused_in_a_line(build, method, name, network):
    from benchmark.models import SourceError
    message = f"no tap 'stage1'. It has: stage3, stage4, pooled.* Add it with {network}.out_indices"
    with pytest.raises(SourceError, match=message) as caught:
        build(method, **{f'model.{network}.out_indices': (2, 3),
                         f'model.head.transfer.{name}.stages': ['stage1', 'stage4']})
    assert '\n' not in str(caught.value)


def test_missing_tap_lists_those_there_are(build):
    from benchmark.models import SourceError
    with pytest.raises(SourceError, match=r"no tap 'stage2'. It has: stage3, stage4, pooled"):
        build('ctd_ed', **{'model.source.backbone.out_indices': (2, 3), 'model.head.transfer.ed.stage': 'stage2'})
    with pytest.raises(SourceError, match=r"no tap 'stage9'.* Correct the name"):
        build('ctd_ed', **{'model.head.transfer.ed.stage': 'stage9'})


def test_source_without_classifier(build, batch, narrow_source, tmp_path):
    from benchmark.models import SourceError
    state = torch.load(narrow_source, weights_only=True)['state_dict']
    path = tmp_path / 'headless.pth'
    torch.save(dict(state_dict={k: v for k, v in state.items() if k.startswith('backbone.')}), path)
    with pytest.raises(SourceError, match="no tap 'logits'.*source.logits='pooled'"):
        build('ctd_cd', **{'model.source.checkpoint': str(path)})
    with pytest.raises(SourceError, match="logits='embeding' is unknown. Choose one of: classifier, pooled"):
        build('ctd_cd', **{'model.source.checkpoint': str(path), 'model.source.logits': 'embeding'})
    # Pooled features in its place: equation 3 with z = pooled, and g^t is trained from the identity.
    model = build('ctd_cd', **{'model.source.checkpoint': str(path), 'model.source.logits': 'pooled'})
    model.train()
    data = model.data_preprocessor(copy.deepcopy(batch), True)
    with torch.no_grad():
        source = model.source(model.denormalise(data['inputs']))
        target = model.extract_feat(data['inputs'])[-1].mean(dim=(2, 3))
        assert torch.equal(source['logits'], source['pooled'])
        expected = ((source['pooled'] / 2).softmax(1) - (target / 2).softmax(1)).square().sum(1).mean()
        assert model(**data, mode='loss')['raw_cd'] == pytest.approx(float(expected), rel=1e-5)
    heavy = build('ctd_cd', **{'model.source.checkpoint': str(path), 'model.source.logits': 'pooled',
                               'model.head.transfer.cd.weight': 1e4})
    train(heavy, batch)
    assert not torch.equal(heavy.head.classifier.weight, model.head.classifier.weight)
    assert torch.equal(model.head.classifier.weight, torch.eye(len(model.head.classifier.weight)))


def test_a_tap_that_was_not_declared_is_named(build, batch, registered):
    from mmpose.registry import MODELS

    from benchmark.models.source import SourceError
    from benchmark.models.transfer import TransferLoss

    class Undeclared(TransferLoss):
        source_taps = target_taps = ('pooled',)

        def forward(self, context):
            return context.source['stage4'].mean()

    MODELS.register_module(module=Undeclared, force=True)
    model = build('ctd_ed', **{'model.head.transfer': dict(_delete_=True, own=dict(type='Undeclared'))})
    model.source.forward = lambda images: dict(pooled=torch.zeros(2, 64))
    data = model.data_preprocessor(batch, training=True)
    with pytest.raises(SourceError, match=r"head\.transfer\.own: Undeclared reads 'stage4', .*source_taps: pooled"):
        model.loss(**data)


def test_a_regulariser_with_weights_changes_no_other_and_is_kept_for_resuming(build, registered):
    from mmpose.registry import MODELS

    from benchmark.models.transfer import TransferLoss

    class Projected(TransferLoss):
        source_taps = target_taps = ('stage4',)

        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.project = torch.nn.Conv2d(64, 64, 1)

        def forward(self, context):
            return (context.source['stage4'] - self.project(context.target['stage4'])).square().mean()

    MODELS.register_module(module=Projected, force=True)
    plain = build('ft')
    model = build('ctd_ed', **{'model.head.transfer': dict(_delete_=True, p=dict(type='Projected', weight=0.0))})
    for name, value in plain.state_dict().items():
        assert torch.equal(model.state_dict()[name], value), name
    with torch.no_grad():
        model.head.transfer['p'].project.weight.fill_(2)
    other = build('ctd_ed', **{'model.head.transfer': dict(_delete_=True, p=dict(type='Projected', weight=0.0))})
    other.load_training_state(model.training_state())
    assert (other.head.transfer['p'].project.weight == 2).all()


def test_a_regulariser_may_not_be_called_loss(build):
    from benchmark.models.source import SourceError
    with pytest.raises(SourceError, match=r'head\.transfer\.my_loss: .*Rename it'):
        build('ctd_ed', **{'model.head.transfer.my_loss': dict(type='EncoderCosineLoss')})


def test_random_source(build, batch):
    model = build('ctd_ed', **{'model.source.checkpoint': 'random'})
    assert 'logits' not in model.source.taps
    assert 0 < train(model, batch, 1)[0]['raw_ed'] < 2


def test_frozen_encoder_of_fe_does_not_move(build, batch):
    fe = build('fe')
    before = copy.deepcopy(fe.backbone.state_dict())
    train(fe, batch)
    assert same(before, fe.backbone.state_dict())


def test_ftp_moves_the_last_stage_only(build, batch):
    ftp = build('ftp')
    before = copy.deepcopy(ftp.backbone.state_dict())
    train(ftp, batch)
    moved = {k.split('.')[0] for k, v in ftp.backbone.state_dict().items() if not torch.equal(v, before[k])}
    assert moved == {'layer4'}


def test_small_batch_is_refused(build, batch, monkeypatch):
    from benchmark.models import SourceError
    model = build('ctd_ed')
    monkeypatch.setattr(type(model.head.transfer['ed']), 'min_batch', 3)
    with pytest.raises(SourceError, match='batch of at least 3'):
        train(model, batch, 1)


@pytest.mark.parametrize(('schedule', 'factors'), [
    ('constant', (1.0, 1.0, 1.0)), ('falling', (1.0, 0.75, 0.0)), ('rising', (0.0, 0.25, 1.0)),
    ('cosine', (1.0, (1 + 0.5 ** 0.5) / 2, 0.0))])
def test_the_course_of_the_weights(build, batch, schedule, factors):
    model = build('ctd_ed', **{'model.head.weight_schedule': schedule, 'model.head.transfer.ed.weight': 0.5})
    model.train()
    data = model.data_preprocessor(copy.deepcopy(batch), True)
    for progress, factor in zip((0.0, 0.25, 1.0), factors):
        model.progress = progress
        losses = model(**data, mode='loss')
        expected = 0.5 * factor * float(losses['raw_ed'])
        assert float(losses['loss_ed'].detach()) == pytest.approx(expected, rel=1e-5, abs=1e-7)


def test_an_unknown_course_is_refused(build):
    with pytest.raises(ValueError, match="weight_schedule='late' is unknown. Choose one of: constant, falling"):
        build('ctd_ed', **{'model.head.weight_schedule': 'late'})


def test_a_random_source_beside_a_trained_start(build, narrow_source):
    source = torch.load(narrow_source, weights_only=True)['state_dict']
    model = build('ctd_ed_random')
    assert all(torch.equal(model.state_dict()[k], v) for k, v in source.items() if k.startswith('backbone.'))
    kernels = model.source.backbone.state_dict()
    assert not any(torch.equal(kernels[k[9:]], v) for k, v in source.items() if k.endswith('conv1.weight'))
