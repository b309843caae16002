"""The rivals in training: every config through a runner; what is prepared and learnt survives a stop."""

import copy
import random
from pathlib import Path

import numpy as np
import pytest
import torch

CONFIGS = Path(__file__).parents[2] / 'mmconfigs'
RIVALS = ('l2_sp', 'delta', 'lwf', 'kd', 'fitnets', 'attention_transfer', 'pkd', 'channel_wise', 'rkd', 'cka',
          'similarity_preserving', 'bss')
#: A mean squared error of heatmaps starts at about the size of the paper's lambda; the rivals' own weights were made
#: for losses of size 1.
SCALE = 0.002


@pytest.fixture(scope='module')
def faces(tmp_path_factory):
    from benchmark.datasets.synthetic_faces import write_landmark_dataset
    root = tmp_path_factory.mktemp('faces') / 'data'
    write_landmark_dataset(root, dict(train=4, val=2, test=2), image_size=64, seed=0)
    return root


@pytest.fixture(scope='module')
def narrow_source(registered, tmp_path_factory):
    """A source checkpoint: ResNet-18 with 8 to 64 channels and 5 classes, random weights."""
    from mmpose.registry import MODELS
    torch.manual_seed(3)
    backbone = MODELS.build(dict(type='ResNet', depth=18, out_indices=(0, 1, 2, 3), stem_channels=8, base_channels=8))
    backbone.init_weights()
    state = {f'backbone.{k}': v for k, v in backbone.state_dict().items()}
    state |= {'classifier.weight': torch.randn(5, 64), 'classifier.bias': torch.randn(5)}
    path = tmp_path_factory.mktemp('narrow') / 'source.pth'
    torch.save(dict(meta={}, state_dict=state), path)
    return path


@pytest.fixture
def runner(registered, faces, narrow_source, tmp_path, monkeypatch):
    """Builds a runner on a tiny training of a method: two steps, an encoder of 8 to 64 channels."""
    from mmengine.runner import Runner

    from benchmark.datasets.prepared import read_split
    from benchmark.experiments.configure import fill_paths, run_config
    from benchmark.experiments.suite import find_config
    monkeypatch.setenv('CTD_CACHE', str(tmp_path / 'cache'))
    number = iter(range(100))

    def make(method, folder='whole', changes=None, save_every=None, **settings):
        settings = dict(depth=18, width=8, input_size=(64, 64), decoder_channels=8, batch_size=2, epochs=1) | settings
        cfg = run_config(dict(config=str(find_config('methods', method))), settings, read_split(faces, 'train').meta,
                         dict(init=1, order=2, augmentation=3, split=4), None, 1.2, 4)
        cfg = fill_paths(cfg, str(faces), str(narrow_source))
        if method == 'delta':
            cfg.model.head.transfer.delta.update(images=3, fit_steps=2)
        cfg.merge_from_dict(changes or {})
        cfg.train_cfg.save_every = save_every
        cfg.work_dir, cfg.experiment_name = str(tmp_path / folder), f'{tmp_path.name}-{next(number)}'
        return Runner.from_cfg(cfg)

    return make


def logged(runner, name):
    return runner.message_hub.get_scalar(f'train/{name}')._log_history


def transfer(runner):
    return next(iter(runner.model.head.transfer.items()))


def lines(path):
    text = path.read_text()
    return [line for line in text.split('"""', 2)[2].splitlines() if line.strip()]


@pytest.mark.parametrize('method', RIVALS)
def test_configs_are_short_and_differ_from_ctd_in_the_regulariser_only(registered, method):
    from mmengine.config import Config

    from benchmark.experiments.suite import find_config
    path = find_config('methods', method)
    ctd, rival = (Config.fromfile(p).to_dict() for p in (CONFIGS / 'methods/ctd_ed.py', path))
    losses = rival['model']['head'].pop('transfer')
    ctd['model']['head'].pop('transfer')
    assert path.parent.name == 'rivals' and len(lines(path)) <= 10 and rival == ctd and len(losses) == 1


@pytest.mark.parametrize('method', RIVALS)
def test_weights_are_the_originals_times_one_scale(registered, method):
    from mmengine.config import Config
    from mmpose.registry import MODELS

    from benchmark.experiments.suite import find_config
    loss, = Config.fromfile(find_config('methods', method)).model.head.transfer.values()
    given = dict(loss)
    assert given.pop('weight') == pytest.approx(SCALE * MODELS.build(dict(type=loss.type)).weight)


def test_names_and_their_order(registered):
    from benchmark.experiments.suite import names
    found = names('methods')
    files = list((CONFIGS / 'methods').rglob('*.py'))
    assert len(found) == len(files) == len({path.stem for path in files})
    assert set(RIVALS) < set(found) and found[:7] == ['ctd_cd', 'ctd_com', 'ctd_ed', 'fe', 'ft', 'ftp', 'hg']


@pytest.mark.parametrize('method', RIVALS)
def test_two_steps_of_training(runner, method):
    one = runner(method)
    name, _ = transfer(one)
    start = copy.deepcopy(one.model.source.state_dict())
    one.train()
    assert one.iter == 2
    for value in (f'raw_{name}', f'loss_{name}', f'ratio_{name}', 'loss_kpt'):
        assert np.isfinite(logged(one, value)).all(), value
    assert logged(one, f'raw_{name}')[-1] > 0
    assert all(torch.equal(value, start[key]) for key, value in one.model.source.state_dict().items())
    saved = torch.load(Path(one.work_dir) / 'epoch_1.pth', weights_only=False)
    assert not [key for key in saved['state_dict'] if 'transfer' in key or 'source' in key]


@pytest.mark.parametrize('method', RIVALS)
def test_bfloat16_and_channels_last(config, batch, narrow_source, method):
    from mmpose.registry import MODELS
    values = {}
    for precision in ('float32', 'bfloat16'):
        torch.manual_seed(7)
        model = MODELS.build(config(method, narrow_source, width=8, decoder_channels=8).model)
        model.init_weights()
        model.to(memory_format=torch.channels_last)
        (name, loss), = model.head.transfer.items()
        if not loss.prepared:
            loss.prepare(model, [copy.deepcopy(batch)])
        data = model.data_preprocessor(copy.deepcopy(batch), True)
        with torch.autocast('cpu', torch.bfloat16, enabled=precision == 'bfloat16'):
            losses = model(**data, mode='loss')
        model.parse_losses(losses)[0].backward()
        assert losses[f'raw_{name}'].dtype == torch.float32
        assert all(p.grad.isfinite().all() for p in model.parameters() if p.grad is not None)
        values[precision] = float(losses[f'raw_{name}'])
    assert values['bfloat16'] == pytest.approx(values['float32'], rel=0.1, abs=1e-6)


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
