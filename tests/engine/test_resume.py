"""A training that was stopped anywhere ends with the bytes of one that was not."""

import random

import numpy as np
import pytest
import torch

STEPS = 6  # 3 steps in each of 2 epochs


def content(runner) -> dict:
    return {k: v.clone() for k, v in runner.model.state_dict().items()}


#: One method where its epoch ends, another in its midst, twice: the others are slow only in their number.
FEW = ('ftp', (2,)), ('ctd_com', (0, 3))
STOPS = {(1,): 'mid-epoch', (2,): 'end-of-epoch', (0, 3): 'twice'}


@pytest.mark.parametrize(('method', 'stops'), [
    pytest.param(method, stops, id=f'{name}-{method}', marks=() if (method, stops) in FEW else pytest.mark.slow)
    for stops, name in STOPS.items() for method in ('ftp', 'ctd_com', 'hg')])
def test_stopped_and_resumed_gives_the_same_weights_and_the_same_draws(runner, train, method, stops):
    whole = runner(method, 'whole', save_every=None)
    expected = train(whole)
    assert len(expected.drawn) == STEPS
    drawn = []
    for stop in (*stops, None):
        part = runner(method, 'parts')
        drawn += train(part, (stop,)).drawn
    assert drawn == expected.drawn
    assert part.iter == STEPS
    for name, value in content(whole).items():
        assert torch.equal(value, part.model.state_dict()[name]), name
    logged = [r.message_hub.get_scalar('train/loss')._log_history for r in (whole, part)]
    np.testing.assert_array_equal(*logged)
    if method == 'ctd_com':
        assert torch.equal(whole.model.head.classifier.weight, part.model.head.classifier.weight)


@pytest.mark.slow
def test_with_matrix_products_too(runner, train, source_checkpoint):
    wide = dict(width=64, source=source_checkpoint, channels_last=True)
    train(whole := runner('ctd_ed', 'whole', save_every=None, **wide))
    train(runner('ctd_ed', 'parts', **wide), (1,))
    train(part := runner('ctd_ed', 'parts', **wide))
    assert any(type(module).__name__.startswith('Matrix') for module in part.model.modules())
    # The source's features were kept in the others.
    train(online := runner('ctd_ed', 'online', save_every=None, feature_cache=dict(enabled=False), **wide))
    for name, value in content(whole).items():
        assert torch.equal(value, part.model.state_dict()[name]), name
        assert torch.equal(value, online.model.state_dict()[name]), name


def test_a_state_holds_no_code_and_only_the_newest_stays(runner, train, tmp_path):
    train(runner('ctd_com', 'parts'), (3,))
    path, = (tmp_path / 'parts').glob('state-*.pth')
    state = torch.load(path, weights_only=True)
    assert state['iter'] == 4 and state['epoch'] == 1 and state['batches'] == 1


@pytest.mark.parametrize('damage', [
    pytest.param(lambda c: c[:-7], id='cut short', marks=pytest.mark.slow),
    pytest.param(lambda c: c[:500] + b'x' + c[501:], id='changed'),
    pytest.param(lambda c: b'', id='empty', marks=pytest.mark.slow)])
def test_a_damaged_state_is_named_set_aside_and_not_used(runner, train, tmp_path, capsys, damage):
    train(runner('ftp', 'parts'), (1,))
    path, = (tmp_path / 'parts').glob('state-*.pth')
    path.write_bytes(damage(path.read_bytes()))
    part = runner('ftp', 'parts', save_every=1e9)
    assert len(train(part).drawn) == STEPS
    assert f'{path}: does not match the digest in its name' in capsys.readouterr().out
    assert path.with_name(f'damaged-{path.name}').exists()
    train(whole := runner('ftp', 'whole', save_every=None))
    assert all(torch.equal(v, part.model.state_dict()[k]) for k, v in content(whole).items())


def test_without_being_asked_nothing_is_kept(runner, train, tmp_path):
    train(runner('ftp', 'whole', save_every=None))
    assert not list((tmp_path / 'whole').glob('state-*'))


def test_random_states_come_back():
    from benchmark.engine.training_state import random_states, set_random_states

    def draw():
        return random.gauss(0, 1), np.random.randn(3).tolist(), torch.randn(3).tolist()

    draw()
    states = random_states()
    first = draw()
    assert draw() != first
    set_random_states(states)
    assert draw() == first


def test_mmengines_ema_goes_on_with_both_sets_of_weights(runner, train):
    hook = [dict(type='EMAHook', momentum=0.5)]
    weights = {}
    for name, stops in (('whole', ()), ('stopped', (1,))):
        one = runner('ft', name, cfg_options=dict(custom_hooks=hook))
        train(one, stops)
        if stops:
            one = runner('ft', name, cfg_options=dict(custom_hooks=hook))
            train(one)
        assert one.iter == STEPS
        weights[name] = content(one)
    assert all(torch.equal(weights['whole'][key], value) for key, value in weights['stopped'].items())


def test_a_first_loss_is_the_bound_of_what_goes_on():
    from benchmark.engine.hooks import FiniteLossHook
    before, after, state = FiniteLossHook(explode=10), FiniteLossHook(explode=10), {}
    before.first = 1.0
    before.before_save_checkpoint(None, state)
    after.after_load_checkpoint(None, state)
    assert after.first == 1.0
