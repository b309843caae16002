"""A training whose steps are captured gives the bytes of one whose steps are not."""

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

EPOCHS = 4  # of 3 steps: two whole batches and one of two images
WAITS = {torch.ops.aten._local_scalar_dense.default, torch.ops.aten.nonzero.default, torch.ops.aten.is_nonzero.default}


class Tape(TorchDispatchMode):
    """What torch's kernels do, written down once and done again on the same memory: a CUDA graph without a GPU.

    As with a CUDA graph, Python does not run again, every value lies where it lay, and what would wait for the device
    is refused. Unlike one, the step that is captured runs too; so its first launch does nothing.
    """

    def __init__(self):
        super().__init__()
        self.calls = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if func in WAITS:
            raise RuntimeError(f'operation not permitted when stream is capturing: {func}')
        found = func(*args, **(kwargs or {}))
        self.calls.append((func, args, kwargs or {}, found))
        return found

    @torch.no_grad()
    def play(self):
        for func, args, kwargs, found in self.calls:
            new, returns = func(*args, **kwargs), func._schema.returns
            pairs = zip(found, new) if isinstance(found, (list, tuple)) else [(found, new)]
            for number, (old, value) in enumerate(pairs):
                # What lies in an argument's memory is there already.
                if isinstance(old, torch.Tensor) and returns[min(number, len(returns) - 1)].alias_info is None:
                    old.copy_(value)


class TapeRecorder:
    rate_dtype = torch.float64
    captured = 0
    launched = 0

    def why_not(self, device):
        return None

    def capture(self, function):
        tape = Tape()
        with tape:
            outputs = function()
        self.captured += 1
        first = [True]

        def replay():
            self.launched += 1
            if first:
                first.clear()
            else:
                tape.play()
        return replay, outputs

    def warm_up(self, function):
        return function()


@pytest.fixture
def captured(runner, train, monkeypatch):
    """Trains with captured steps; gives the runner and what captured them."""
    from benchmark.engine import graphed_step

    def make(method, folder='captured', stops=(), **settings):
        recorder = TapeRecorder()
        monkeypatch.setattr(graphed_step, 'CudaGraphs', lambda: recorder)
        one = runner(method, folder, **dict(save_every=None, epochs=EPOCHS, cuda_graphs=True) | settings)
        train(one, stops)
        return one, recorder

    return make


def same_training(one, other):
    for name, value in one.model.state_dict().items():
        assert torch.equal(value, other.model.state_dict()[name]), name
    scalars = one.message_hub.log_scalars
    assert set(scalars) == set(other.message_hub.log_scalars)
    for name in scalars:
        if 'time' not in name:
            np.testing.assert_array_equal(scalars[name]._log_history, other.message_hub.log_scalars[name]._log_history)


@pytest.mark.parametrize('method', [
    'ctd_com', *(pytest.param(name, marks=pytest.mark.slow) for name in ('ft', 'fe', 'ftp', 'hg'))])
def test_captured_steps_give_the_same_bytes(runner, train, captured, method):
    plain = runner(method, 'plain', save_every=None, epochs=EPOCHS)
    train(plain)
    one, recorder = captured(method)
    same_training(plain, one)
    assert recorder.captured == 2  # for both sizes of batches
    assert recorder.launched >= 5
    if method == 'ctd_com':
        assert torch.equal(plain.model.head.classifier.weight, one.model.head.classifier.weight)


@pytest.mark.slow
def test_matrix_products_are_captured_too(runner, train, captured, source_checkpoint):
    wide = dict(width=64, source=source_checkpoint)
    plain = runner('ft', 'plain', save_every=None, epochs=EPOCHS, **wide)
    train(plain)
    assert any(type(module).__name__.startswith('Matrix') for module in plain.model.modules())
    one, recorder = captured('ft', **wide)
    same_training(plain, one)
    assert recorder.launched >= 5


@pytest.mark.slow
def test_a_source_on_the_fly_is_a_part_of_the_step(runner, train, captured):
    off = dict(feature_cache=dict(enabled=False))
    plain = runner('ctd_ed', 'plain', save_every=None, epochs=EPOCHS, **off)
    train(plain)
    one, recorder = captured('ctd_ed', **off)
    same_training(plain, one)
    assert recorder.launched > EPOCHS


@pytest.mark.slow
def test_in_bfloat16_too(runner, train, captured):
    plain = runner('ctd_ed', 'plain', save_every=None, epochs=EPOCHS, precision='bfloat16')
    train(plain)
    one, recorder = captured('ctd_ed', precision='bfloat16')
    same_training(plain, one)
    assert recorder.launched >= 5


def test_steps_that_measure_gradients_run_as_they_are(runner, train, captured):
    options = dict(cfg_options={'model.gradient_interval': 4})
    plain = runner('ctd_ed', 'plain', save_every=None, epochs=EPOCHS, **options)
    train(plain)
    one, _ = captured('ctd_ed', **options)
    same_training(plain, one)
    assert len(one.message_hub.get_scalar('train/ratio_ed')._log_history) == 3  # of 12 steps: 0, 4, 8


def test_what_is_trained_changes_and_the_step_is_captured_anew(runner, train, captured):
    options = dict(cfg_options={'custom_hooks.LPFTHook.share': 0.5})
    plain = runner('baselines/lp_ft', 'plain', save_every=None, epochs=2 * EPOCHS, **options)
    train(plain)
    one, recorder = captured('baselines/lp_ft', **options | dict(epochs=2 * EPOCHS))
    same_training(plain, one)
    assert recorder.captured == 4


@pytest.mark.parametrize('change, reason', [
    ({'model.head.weight_schedule': 'falling'}, 'weights change from step to step (falling)'),
    ({'optim_wrapper.accumulative_counts': 2}, 'gradients are accumulated'),
    ({'optim_wrapper.optimizer.fused': False}, 'Adam is neither fused nor capturable'),
    ({'optim_wrapper.clip_grad': dict(max_norm=1.0)}, 'gradients are clipped'),
])
def test_what_cannot_be_captured_runs_step_by_step_and_is_said(runner, train, captured, change, reason, tmp_path):
    plain = runner('ctd_ed', 'plain', save_every=None, cfg_options=change, epochs=1)
    train(plain)
    one, recorder = captured('ctd_ed', cfg_options=change, epochs=1)
    same_training(plain, one)
    assert recorder.captured == 0
    log, = (tmp_path / 'captured').glob('*/*.log')
    assert f'steps are not captured as CUDA graphs: {reason}' in log.read_text().replace('the regularisers\' ', '')


@pytest.mark.slow
def test_a_step_that_waits_for_the_device_runs_as_it_is(runner, train, captured, monkeypatch, tmp_path):
    from mmpose.models.pose_estimators import TopdownPoseEstimator
    extract = TopdownPoseEstimator.extract_feat
    monkeypatch.setattr(TopdownPoseEstimator, 'extract_feat',
                        lambda self, inputs: extract(self, inputs * float(inputs.sum() < 1e9)))
    plain = runner('ft', 'plain', save_every=None, epochs=EPOCHS)
    train(plain)
    one, recorder = captured('ft')
    same_training(plain, one)
    assert recorder.captured == 0
    log, = (tmp_path / 'captured').glob('*/*.log')
    assert 'steps are not captured as CUDA graphs: RuntimeError: operation not permitted' in log.read_text()


def test_without_a_gpu_steps_run_one_by_one(runner, train, tmp_path):
    plain = runner('ft', 'plain', save_every=None)
    train(plain)
    one = runner('ft', 'one', save_every=None, cuda_graphs=True)
    train(one)
    same_training(plain, one)
    log, = (tmp_path / 'one').glob('*/*.log')
    assert 'steps are not captured as CUDA graphs: the model is not on a CUDA device' in log.read_text()


def test_a_loss_between_two_readings_is_checked_too(runner, train, captured, monkeypatch):
    from benchmark.models.heatmap_loss import HeatmapLoss
    forward, calls = HeatmapLoss.forward, []

    def explode(self, *args):
        calls.append(None)
        return forward(self, *args) * (1e9 if len(calls) == 2 else 1.0)

    monkeypatch.setattr(HeatmapLoss, 'forward', explode)
    with pytest.raises(FloatingPointError, match='epoch 1, iteration 2'):
        captured('ft')


@pytest.mark.slow
def test_stopped_between_two_readings_it_goes_on_and_its_log_is_whole(runner, train, captured):
    plain = runner('ctd_ed', 'plain', save_every=None, epochs=EPOCHS)
    train(plain)
    part, recorder = captured('ctd_ed', 'parts', save_every=0.0, stops=(10,))  # in the midst of the fourth epoch
    assert part.iter == 11 and recorder.launched > 0
    part, _ = captured('ctd_ed', 'parts', save_every=0.0)
    same_training(plain, part)


def test_a_rounded_rate_is_that_of_all_steps(captured, monkeypatch, tmp_path):
    """Which steps run as they are depends on what is kept already; the result does not."""
    monkeypatch.setattr(TapeRecorder, 'rate_dtype', torch.float32)
    monkeypatch.setenv('CTD_CACHE', str(tmp_path / 'cache'))
    cold, first = captured('ctd_ed', 'cold')
    warm, second = captured('ctd_ed', 'warm')
    assert second.launched > first.launched
    same_training(cold, warm)


@pytest.mark.slow
def test_more_kinds_of_steps_than_are_captured(runner, train, captured, monkeypatch, tmp_path):
    from benchmark.engine import graphed_step
    monkeypatch.setattr(graphed_step, 'MOST', 1)
    plain = runner('ft', 'plain', save_every=None, epochs=EPOCHS)
    train(plain)
    one, recorder = captured('ft')
    same_training(plain, one)
    assert recorder.captured == 1
    log, = (tmp_path / 'captured').glob('*/*.log')
    assert log.read_text().count('steps beyond the first 1 kinds are not captured as CUDA graphs') == 1


def test_a_wrapped_model_runs_as_it_is(registered):
    from benchmark.engine.graphed_step import GraphedStep

    class Wrapper(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.module = torch.nn.Linear(1, 1)

        def train_step(self, batch, optim_wrapper):
            return {'loss': batch}

    said = []
    step = GraphedStep(Wrapper(), None, graphs=TapeRecorder(), say=said.append)
    assert step('batch') == {'loss': 'batch'}
    assert said == ['steps are not captured as CUDA graphs: the model is wrapped']


def test_the_log_is_read_as_often_as_it_is_written(runner):
    cfg = runner('ft', 'one', cuda_graphs=True, cfg_options={'default_hooks.logger.interval': 4}).cfg
    assert cfg.train_cfg.read_every == 4


@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a CUDA device')
@pytest.mark.parametrize('method', ['ft', 'ctd_com', 'ftp', 'baselines/stoch_norm', 'baselines/bss'])
@pytest.mark.parametrize('precision', ['float32', 'bfloat16'])
def test_on_a_gpu(runner, train, method, precision):
    options = dict(save_every=None, epochs=EPOCHS, precision=precision)
    plain = runner(method, 'plain', **options)
    train(plain)
    before = torch.cuda.current_stream()
    one = runner(method, 'one', cuda_graphs=True, **options)
    train(one)
    assert torch.cuda.current_stream() == before and one.train_loop.step.off == (method == 'baselines/bss')
    torch.rand(1, device='cuda')
    torch.cuda.empty_cache()
    losses = [np.array(each.message_hub.get_scalar('train/loss')._log_history[0]) for each in (plain, one)]
    np.testing.assert_allclose(*losses, rtol=0.05 if precision == 'bfloat16' else 1e-3)


def test_rows_stay_on_the_card_as_far_as_there_is_room(registered, tmp_path):
    from benchmark.engine.frozen_forward import FrozenOutputs
    images = torch.arange(8 * 12, dtype=torch.float32).reshape(8, 3, 2, 2)
    kept = FrozenOutputs(tmp_path, 8, 4, limit=1 << 20, resident=5 * 48)  # five rows
    for views in ([0, 1, 2, 3], [4, 5, 6, 7]):
        kept.views = views
        kept(images[views], lambda batch: {'stage4': batch * 2})
    store = kept.stores['stage4'][0]
    read, reads = store.read, []
    store.read = lambda views: reads.append(list(views)) or read(views)
    for views in ([0, 1], [1, 2, 1], [6, 7, 5, 0], [0, 1, 2], [6, 0, 1, 2]):
        kept.views = views
        assert torch.equal(kept._from_card('stage4', torch.device('cpu')), images[views] * 2)
    # The three rows of the third batch have no room; the last batch's one has.
    assert reads == [[0, 1], [2], [6, 7, 5], [6]]
