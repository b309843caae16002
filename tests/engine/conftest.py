"""A tiny training, and one that is asked to stop."""

import random

import numpy as np
import pytest
import torch
from mmengine.hooks import Hook


class Watch(Hook):
    """Draws from every generator after each step, and asks for a stop after some of them."""

    def __init__(self, stops=()):
        self.stops, self.drawn = stops, []

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        from benchmark.engine import request_stop
        self.drawn.append((random.random(), np.random.rand(), torch.rand(1).item()))
        if runner.iter in self.stops:
            request_stop()


@pytest.fixture(scope='session')
def faces(tmp_path_factory):
    from benchmark.datasets.synthetic.faces import write_landmark_dataset
    root = tmp_path_factory.mktemp('faces') / 'data'
    write_landmark_dataset(root, dict(train=8, val=2, test=2), image_size=64, seed=0)
    return root


@pytest.fixture
def runner(registered, faces, narrow_source, tmp_path, monkeypatch):
    """Builds a runner on a tiny training: 3 steps in each of 2 epochs; each has a message hub of its own."""
    from mmengine.runner import Runner

    from benchmark.datasets.prepared import read_split
    from benchmark.experiments.plan.configure import fill_paths, run_config
    from benchmark.experiments.suite.configs import find_config
    from benchmark.experiments.suite.model import Method, Settings
    monkeypatch.setenv('CTD_CACHE', str(tmp_path / 'cache'))
    number = iter(range(100))

    def make(method: str, folder: str, save_every=0.0, source=narrow_source, **settings):
        settings = dict(depth=18, width=8, input_size=(64, 64), decoder_channels=16, batch_size=3, epochs=2,
                        hourglass=dict(num_stacks=2, channels=16)) | settings
        found = Method(config=str(find_config('methods', method)))
        cfg = run_config(found, Settings.read(settings), read_split(faces, 'train').meta,
                         dict(init=1, order=2, augmentation=3, split=4), None, 1.2, 8)
        cfg = fill_paths(cfg, str(faces), str(source))
        cfg.train_cfg.save_every = save_every
        cfg.work_dir, cfg.experiment_name = str(tmp_path / folder), f'{tmp_path.name}-{next(number)}'
        return Runner.from_cfg(cfg)

    return make


@pytest.fixture
def train():
    """Trains a runner until it is asked to stop, and gives what watched it."""

    def run(runner, stops=()) -> Watch:
        from benchmark.engine import Preempted, loops
        watch = Watch(stops)
        runner.register_hook(watch, priority='LOWEST')
        try:
            runner.train()
        except Preempted:
            pass
        finally:
            loops._stop.clear()
        return watch

    return run
