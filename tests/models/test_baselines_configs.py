"""The baselines' configs: short, alike but for the regulariser, weighted by one rule, and each trains."""

import copy
from pathlib import Path

import numpy as np
import pytest
import torch

CONFIGS = Path(__file__).parents[2] / 'mmconfigs'
BASELINES = ('l2_sp', 'delta', 'lwf', 'kd', 'fitnets', 'attention_transfer', 'pkd', 'channel_wise', 'rkd', 'cka',
             'similarity_preserving', 'bss', 'rtl_spatial', 'rtl_channel')
#: The four constraints of the paper's successor together.
JOINT = 'rtl'
#: A regulariser of weights, of maps, of class scores, and the joint one; the others are slow only in their number.
FEW = ('l2_sp', 'attention_transfer', 'lwf', JOINT)
TRAINED = [pytest.param(name, marks=() if name in FEW else pytest.mark.slow) for name in (*BASELINES, JOINT)]
#: A mean squared error of heatmaps starts at about the size of the paper's lambda; the baselines' own weights were made
#: for losses of size 1.
SCALE = 0.002


def lines(path):
    text = path.read_text()
    return [line for line in text.split('"""', 2)[2].splitlines() if line.strip()]


def logged(runner, name):
    return runner.message_hub.get_scalar(f'train/{name}')._log_history


@pytest.mark.parametrize('method', [*BASELINES, JOINT])
def test_configs_are_short_and_differ_from_ctd_in_the_regulariser_only(registered, method):
    from mmengine.config import Config

    from benchmark.experiments.suite.configs import find_config
    path = find_config('methods', method)
    ctd, baseline = (Config.fromfile(p).to_dict() for p in (CONFIGS / 'methods/ctd_ed.py', path))
    losses = baseline['model']['head'].pop('transfer')
    ctd['model']['head'].pop('transfer')
    assert path.parent.name == 'baselines' and len(lines(path)) <= 10 and baseline == ctd
    assert len(losses) == (4 if method == JOINT else 1)


@pytest.mark.parametrize('method', BASELINES)
def test_weights_are_the_originals_times_one_scale(registered, method):
    from mmengine.config import Config
    from mmpose.registry import MODELS

    from benchmark.experiments.suite.configs import find_config
    loss, = Config.fromfile(find_config('methods', method)).model.head.transfer.values()
    given = dict(loss)
    assert given.pop('weight') == pytest.approx(SCALE * MODELS.build(dict(type=loss.type)).weight)


def test_the_joint_regulariser_is_the_four_as_each_stands_alone_with_one_lambda(registered):
    from mmengine.config import Config

    from benchmark.experiments.suite.configs import find_config
    losses = {method: Config.fromfile(find_config('methods', method)).to_dict()['model']['head']['transfer']
              for method in (JOINT, 'ctd_cd', 'ctd_ed', 'rtl_spatial', 'rtl_channel')}
    joint = losses.pop(JOINT)
    assert joint == {name: loss for one in losses.values() for name, loss in one.items()} and len(joint) == 4
    assert {loss['weight'] for loss in joint.values()} == {SCALE}


def test_the_suite_tunes_the_joint_regularisers_one_lambda(registered, tmp_path, monkeypatch):
    from benchmark.experiments.plan.plan import make_plan
    from benchmark.experiments.suite.suite import load_suite
    monkeypatch.setenv('CTD_CACHE', str(tmp_path / 'cache'))
    (tmp_path / 'few.py').write_text(
        f"_base_ = {str(CONFIGS / 'suites/baselines.py')!r}\n"
        'data = dict(train=20, val=2, test=2)\nseeds = 1\nsource = dict(_delete_=True, type="random")\n')
    plan = make_plan(load_suite(str(tmp_path / 'few.py')), tmp_path / 'out')
    runs = [run.config.model.head.transfer for run in plan.runs if run.method == JOINT]
    assert [{loss.weight for loss in losses.values()} for losses in runs] == [{SCALE / 10}, {SCALE}, {SCALE * 10}]
    assert all([*losses] == ['cd', 'ed', 'sa', 'ca'] for losses in runs)


def test_names_and_their_order(registered):
    from benchmark.experiments.suite.configs import names
    found = names('methods')
    files = list((CONFIGS / 'methods').rglob('*.py'))
    assert len(found) == len(files) == len({path.stem for path in files})
    assert {*BASELINES, JOINT} < set(found) and found[:7] == ['ctd_cd', 'ctd_com', 'ctd_ed', 'fe', 'ft', 'ftp', 'hg']


@pytest.mark.parametrize('method', TRAINED)
def test_two_steps_of_training(runner, method):
    one = runner(method)
    names = [*one.model.head.transfer]
    start = copy.deepcopy(one.model.source.state_dict())
    one.train()
    assert one.iter == 2
    for value in ('loss_kpt', *(f'{kind}_{name}' for kind in ('raw', 'loss', 'ratio') for name in names)):
        assert np.isfinite(logged(one, value)).all(), value
    assert all(logged(one, f'raw_{name}')[-1] > 0 for name in names)
    assert method != JOINT or all(logged(one, f'ratio_{name}')[-1] > 0 for name in names)
    assert not any(parameter.requires_grad or parameter.grad is not None for parameter in one.model.source.parameters())
    assert all(torch.equal(value, start[key]) for key, value in one.model.source.state_dict().items())
    saved = torch.load(Path(one.work_dir) / 'epoch_1.pth', weights_only=True)
    assert not [key for key in saved['state_dict'] if 'transfer' in key or 'source' in key]


@pytest.mark.parametrize('method', TRAINED)
def test_bfloat16_and_channels_last(config, batch, narrow_source, method):
    from mmpose.registry import MODELS
    values = {}
    for precision in ('float32', 'bfloat16'):
        torch.manual_seed(7)
        model = MODELS.build(config(method, narrow_source, width=8, decoder_channels=8).model)
        model.init_weights()
        model.to(memory_format=torch.channels_last)
        for loss in model.head.transfer.values():
            if not loss.prepared:
                loss.prepare(model, [copy.deepcopy(batch)])
        data = model.data_preprocessor(copy.deepcopy(batch), True)
        with torch.autocast('cpu', torch.bfloat16, enabled=precision == 'bfloat16'):
            losses = model(**data, mode='loss')
        model.parse_losses(losses)[0].backward()
        raw = {name: losses[f'raw_{name}'] for name in model.head.transfer}
        assert {one.dtype for one in raw.values()} == {torch.float32}
        assert all(p.grad.isfinite().all() for p in model.parameters() if p.grad is not None)
        values[precision] = {name: float(one.detach()) for name, one in raw.items()}
    assert values['bfloat16'] == pytest.approx(values['float32'], rel=0.1, abs=1e-6)
