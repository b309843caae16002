"""A run's training history: whole, in order, and the same whether the training was stopped or not."""

import json

import numpy as np
import pytest
from mmengine.hooks import Hook
from mmengine.logging import MessageHub

LENGTH = 6  # iterations, of 3 in each of 2 epochs


@pytest.fixture
def hub(request):
    return MessageHub.get_instance(f'history-{request.node.name}')


def fill(hub, iterations, every=4):
    for i in range(iterations):
        hub.update_scalar('train/loss_kpt', float(i))
        hub.update_scalar('train/time', 0.5)
        if i % every == 0:
            hub.update_scalar('train/ratio_cd', 10.0 + i)
            hub.update_scalar('at/train/ratio_cd', i)


def test_points_are_means_of_windows_and_measurements_have_their_place(registered, hub):
    from benchmark.experiments.run.history import training_history
    fill(hub, 450)
    found = training_history(hub, 450, 9)
    assert (found['iterations'], found['epochs'], found['window']) == (450, 9, 3)
    assert list(found['train']) == ['loss_kpt'] and len(found['train']['loss_kpt']) == 150
    assert found['train']['loss_kpt'][:2] == [1.0, 4.0] and found['train']['loss_kpt'][-1] == 448.0
    assert found['measured']['ratio_cd']['iteration'][:3] == [0, 4, 8]
    assert found['measured']['ratio_cd']['value'][:3] == [10.0, 14.0, 18.0]


def test_what_is_not_finite_is_none_and_what_has_no_place_is_left_out(registered, hub):
    from benchmark.experiments.run.history import training_history
    fill(hub, 4)
    hub.update_scalar('train/ratio_cd', float('inf'))
    hub.update_scalar('at/train/ratio_cd', 4)
    hub.update_scalar('train/now_and_then', 1.0)
    found = training_history(hub, 4, 1)
    assert found['measured']['ratio_cd'] == dict(iteration=[0, 4], value=[10.0, None])
    assert 'now_and_then' not in json.dumps(found)


def test_a_training_that_was_begun_without_places_keeps_what_has_one(registered, hub):
    from benchmark.experiments.run.history import training_history
    hub.update_scalar('train/ratio_cd', 1.0)
    for at in (4, 8):
        hub.update_scalar('train/ratio_cd', 1.0 + at)
        hub.update_scalar('at/train/ratio_cd', at)
    assert training_history(hub, 9, 1)['measured']['ratio_cd'] == dict(iteration=[4, 8], value=[5.0, 9.0])


class Stop(Hook):
    """Asks for a stop after an iteration."""

    def __init__(self, after):
        self.after = after

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        from benchmark.engine import request_stop
        if runner.iter == self.after:
            request_stop()


def train(config, source, root, folder, stop=None):
    """Trains, or goes on with, a tiny CTD-Com as a worker does; gives the runner."""
    from mmengine.runner import Runner

    from benchmark.engine import Preempted, loops
    from benchmark.experiments.run.history import HistoryHook
    cfg = config('ctd_com', source, width=8, batch_size=3, val_interval=1,
                 cfg_options={'model.gradient_interval': 2})
    for loader in (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader):
        loader.dataset.data_root = str(root)
    cfg.model.head.out_channels = 14
    for evaluator in (cfg.val_evaluator, cfg.test_evaluator):
        evaluator.update(landmarks=None, interocular=None)
    cfg.train_cfg.save_every = 1e9
    cfg.work_dir, cfg.experiment_name = str(folder), f'{folder.parent.name}-{folder.name}-{stop}'
    runner = Runner.from_cfg(cfg)
    runner.register_hook(HistoryHook(), priority='LOW')
    runner.register_hook(Stop(stop), priority='LOWEST')
    try:
        runner.train()
    except Preempted:
        pass
    finally:
        loops._stop.clear()
    return runner


def test_a_stopped_and_resumed_training_has_one_whole_history(config, narrow_source, tmp_path):
    from benchmark.datasets.synthetic.faces import write_landmark_dataset
    from benchmark.experiments.run.history import training_history
    root = tmp_path / 'data'
    write_landmark_dataset(root, dict(train=8, val=2, test=2), image_size=64, seed=0)
    runner = train(config, narrow_source, root, tmp_path / 'whole')
    whole = training_history(runner.message_hub, runner.iter, runner.epoch)
    for stop in (3, None):
        runner = train(config, narrow_source, root, tmp_path / 'parts', stop)
    assert runner.iter == LENGTH
    assert training_history(runner.message_hub, runner.iter, runner.epoch) == whole
    assert {'loss', 'loss_kpt', 'loss_cd', 'raw_cd', 'loss_ed', 'raw_ed', 'lr'} == {*whole['train']}
    assert all(len(values) == LENGTH and np.isfinite(values).all() for values in whole['train'].values())
    assert {key: one['iteration'] for key, one in whole['measured'].items()} == dict(ratio_cd=[0, 2, 4],
                                                                                    ratio_ed=[0, 2, 4])
    assert whole['validation']['landmark/ME']['iteration'] == [3, 6]
