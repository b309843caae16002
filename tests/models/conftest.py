"""Tiny trainings for the tests of the baselines."""

import pytest


@pytest.fixture(scope='session')
def faces(tmp_path_factory):
    from benchmark.datasets.synthetic.faces import write_landmark_dataset
    root = tmp_path_factory.mktemp('faces') / 'data'
    write_landmark_dataset(root, dict(train=4, val=2, test=2), image_size=64, seed=0)
    return root


@pytest.fixture
def runner(registered, faces, narrow_source, tmp_path, monkeypatch):
    """Builds a runner on a tiny training of a method: two steps, an encoder of 8 to 64 channels."""
    from mmengine.runner import Runner

    from benchmark.datasets.prepared import read_split
    from benchmark.experiments.plan.configure import fill_paths, run_config
    from benchmark.experiments.suite.configs import find_config
    from benchmark.experiments.suite.model import Method, Settings
    monkeypatch.setenv('CTD_CACHE', str(tmp_path / 'cache'))
    number = iter(range(100))

    def make(method, folder='whole', changes=None, save_every=None, **settings):
        settings = dict(depth=18, width=8, input_size=(64, 64), decoder_channels=8, batch_size=2, epochs=1) | settings
        found = Method(config=str(find_config('methods', method)))
        cfg = run_config(found, Settings.read(settings), read_split(faces, 'train').meta,
                         dict(init=1, order=2, augmentation=3, split=4), None, 1.2, 4)
        cfg = fill_paths(cfg, str(faces), str(narrow_source))
        if method == 'delta':
            cfg.model.head.transfer.delta.update(images=3, fit_steps=2)
        cfg.merge_from_dict(changes or {})
        cfg.train_cfg.save_every = save_every
        cfg.work_dir, cfg.experiment_name = str(tmp_path / folder), f'{tmp_path.name}-{next(number)}'
        return Runner.from_cfg(cfg)

    return make
