"""Hooks on small models."""

from types import SimpleNamespace

import pytest
import torch


def runner(model, **attributes):
    return SimpleNamespace(model=model, epoch=0, iter=0, max_iters=10, **attributes)


@pytest.mark.parametrize(('prefix', 'trained'), [('layer4.1', 73_984), ('layer4.1.conv2', 36_864)])
def test_freeze_all_but_a_part(build, prefix, trained):
    from benchmark.engine import FreezeParametersHook
    model = build('ft')
    hook, r = FreezeParametersHook(train=(prefix,)), runner(model)
    hook.before_run(r)
    model.train()
    hook.before_train_iter(r, 0)
    assert sum(p.numel() for p in model.backbone.parameters() if p.requires_grad) == trained
    modes = {n: m.training for n, m in model.backbone.named_modules() if isinstance(m, torch.nn.BatchNorm2d)}
    assert {n for n, training in modes.items() if training} == {n for n in modes if n.startswith(prefix + '.')}


def test_freeze_refuses_an_unknown_part(build):
    from benchmark.engine import FreezeParametersHook
    with pytest.raises(ValueError, match="train='layer5' fits no parameter"):
        FreezeParametersHook(train=('layer5',)).before_run(runner(build('ft')))


def test_progress_and_training_state(build):
    from benchmark.engine import TransferHook
    hook, model = TransferHook(), build('ctd_cd')
    r = runner(model)
    r.iter = 5
    hook.before_train_iter(r, 0)
    assert model.progress == 0.5
    with torch.no_grad():
        model.head.classifier.weight.fill_(3)
    checkpoint = {}
    hook.before_save_checkpoint(r, checkpoint)
    other = build('ctd_cd')
    hook.after_load_checkpoint(runner(other), checkpoint)
    assert (other.head.classifier.weight == 3).all()


def test_loss_that_is_not_finite_stops_the_run(build):
    from benchmark.engine import FiniteLossHook
    hook = FiniteLossHook()
    hook.after_train_iter(runner(None), 0, outputs=dict(loss=torch.tensor(1.0)))
    with pytest.raises(FloatingPointError, match='nan in epoch 1, iteration 1'):
        hook.after_train_iter(runner(None), 0, outputs=dict(loss=torch.tensor(float('nan'))))


def test_loss_that_explodes_stops_the_run(build):
    from benchmark.engine import FiniteLossHook
    hook = FiniteLossHook(explode=100)
    for loss in (0.5, 99.0):
        hook.after_train_iter(runner(None), 0, outputs=dict(loss=torch.tensor(loss)))
    with pytest.raises(FloatingPointError, match='the loss is 101 in epoch 1, iteration 1. Lower'):
        hook.after_train_iter(runner(None), 0, outputs=dict(loss=torch.tensor(101.0)))
