"""Baselines in training: no idle source, batches that are too small, what is prepared and learnt outlives a stop."""

import copy
import random
from pathlib import Path

import numpy as np
import pytest
import torch


@pytest.mark.parametrize(('method', 'runs'), [('l2_sp', 0), ('bss', 0), ('pkd', 2)])
def test_the_source_runs_only_where_it_is_read(runner, method, runs):
    one, calls = runner(method), []
    one.model.source.backbone.register_forward_hook(lambda *_: calls.append(1))
    one.train()
    assert len(calls) == runs
    assert (Path(one.work_dir).parent / 'cache/features').exists() == (runs > 0)


@pytest.mark.parametrize(('method', 'changes', 'size'), [
    ('bss', {'train_dataloader.batch_size': 3}, 2), ('similarity_preserving', {'train_dataloader.batch_size': 3}, 2),
    ('rkd', {'model.head.transfer.rkd.relations': 'batch'}, 3),
    ('cka', {'model.head.transfer.cka.relations': 'batch'}, 3)])
def test_a_batch_that_will_be_too_small_is_refused_before_the_first_step(runner, method, changes, size):
    from benchmark.models import SourceError
    one = runner(method, changes=changes)
    with pytest.raises(SourceError, match=rf'needs a batch of at least {size} images; .*drop_last=True') as caught:
        one.train()
    assert one.iter == 0 and ("relations='token'" in str(caught.value)) == (method in ('rkd', 'cka'))


@pytest.mark.parametrize(('batch_size', 'drop_last', 'smallest'), [(2, False, 2), (3, False, 1), (3, True, 3),
                                                                   (8, False, 4)])
def test_smallest_batch(batch_size, drop_last, smallest):
    from torch.utils.data import DataLoader

    from benchmark.engine.hooks import smallest_batch
    assert smallest_batch(DataLoader([1, 2, 3, 4], batch_size, drop_last=drop_last)) == smallest


def test_images_for_preparing_are_spread(registered):
    from torch.utils.data import DataLoader

    from benchmark.engine.hooks import spread_batches
    loader = DataLoader(range(10), batch_size=2, shuffle=True, collate_fn=list)
    assert spread_batches(loader, 4) == [[0, 3], [6, 9]]
    assert spread_batches(loader, 99) == [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9]]


def draws():
    return random.random(), np.random.rand(), torch.rand(1).item()


def test_preparing_changes_nothing_but_the_attention(runner, monkeypatch):
    from benchmark.engine import TransferHook
    from benchmark.engine.training_state import random_states, set_random_states
    from benchmark.models.transfer import DeltaLoss
    prepare = DeltaLoss.prepare
    monkeypatch.setattr(DeltaLoss, 'prepare', lambda *given: draws() and prepare(*given))
    one = runner('delta')
    before = copy.deepcopy(dict(one.model.named_parameters()) | dict(one.model.named_buffers()))
    modes = [module.training for module in one.model.modules()]
    order = list(one.train_dataloader.sampler)
    states = random_states()
    expected = draws()
    set_random_states(states)
    TransferHook().before_train_epoch(one)
    assert draws() == expected and list(one.train_dataloader.sampler) == order
    assert modes == [module.training for module in one.model.modules()]
    after = dict(one.model.named_parameters()) | dict(one.model.named_buffers())
    changed = {name for name, value in after.items() if not torch.equal(value, before[name])}
    assert changed == {f'head.transfer.delta.attention_stage{n}' for n in (1, 2, 3, 4)}
    for name in changed:
        assert after[name].sum() == pytest.approx(1) and after[name].min() > 0 and after[name].std() > 0


def test_delta_with_lambda_zero_is_fine_tuning(runner):
    ft = runner('ft', 'ft')
    ft.train()
    delta = runner('delta', 'delta', {'model.head.transfer.delta.weight': 0.0})
    delta.train()
    assert delta.model.head.transfer['delta'].prepared
    assert all(torch.equal(value, delta.model.state_dict()[name]) for name, value in ft.model.state_dict().items())


@pytest.mark.parametrize('method', ['delta', 'fitnets'])
def test_a_stopped_training_keeps_what_was_prepared_and_learnt(runner, method, monkeypatch):
    from mmengine.hooks import Hook

    from benchmark.engine import Preempted, loops, request_stop
    from benchmark.models.transfer import DeltaLoss
    prepared, prepare = [], DeltaLoss.prepare
    monkeypatch.setattr(DeltaLoss, 'prepare', lambda *given: prepared.append(1) or prepare(*given))

    class Stop(Hook):
        def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
            request_stop()

    whole = runner(method)
    begin = copy.deepcopy(whole.model.head.transfer.state_dict())
    whole.train()
    part = runner(method, 'parts', save_every=0.0)
    part.register_hook(Stop(), priority='LOWEST')
    try:
        with pytest.raises(Preempted):
            part.train()
    finally:
        loops._stop.clear()
    rest = runner(method, 'parts', save_every=0.0)
    rest.train()
    assert rest.iter == 2 and len(prepared) == (2 if method == 'delta' else 0)
    expected, found = whole.model.head.transfer.state_dict(), rest.model.head.transfer.state_dict()
    assert expected and all(torch.equal(value, found[key]) for key, value in expected.items())
    assert not all(torch.equal(value, begin[key]) for key, value in expected.items())
    assert all(torch.equal(value, rest.model.state_dict()[key]) for key, value in whole.model.state_dict().items())


def test_the_regressor_starts_alike_whatever_was_drawn_before(runner):
    torch.manual_seed(1)
    first = runner('fitnets', 'a').model.head.transfer['fitnets'].regressor
    torch.rand(5)
    second = runner('fitnets', 'b', {'randomness.seed': 9}).model.head.transfer['fitnets'].regressor
    assert torch.equal(first.weight, second.weight) and first.weight.shape == (16, 16, 1, 1)


def test_channels_can_be_knocked_out_of_a_resnet_only(registered):
    from benchmark.models import SourceError, StackedHourglass
    from benchmark.models.transfer import DeltaLoss
    network = StackedHourglass(num_stacks=1, channels=16, out_channels=3)
    with pytest.raises(SourceError, match='not of a StackedHourglass'):
        DeltaLoss().attach(network, network)
