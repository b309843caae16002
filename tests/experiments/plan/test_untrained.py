"""Landmarks that a run's labels can't teach: from the plan to the table."""

import io

import pandas
import pytest


@pytest.fixture
def plan():
    runs = [dict(id=f'ft/all-seed{seed}', method='ft', condition='all', seed=seed, hash='h', seeds={}, source_hash=None,
                 folder=f'runs/{seed}', **(dict(untrained=['nasion']) if seed else {})) for seed in (0, 1)]
    source = dict(path='', job=None, hash='', name='random', data=None)
    return dict(runs=runs, data=dict(fingerprint='f'), source=source,
                execution=dict(code={}))


def test_the_table_says_which_rows_no_training_image_speaks_for(plan, tmp_path, monkeypatch):
    from benchmark.experiments.commands import results
    from benchmark.experiments.state.tasks import work_of

    def predictions(run):
        content = io.BytesIO()
        pandas.DataFrame(dict(method='ft', condition='all', seed=run.entry['seed'], image='i', error=1.0,
                              landmark=['nasion', 'menton'])).to_parquet(content)
        return content.getvalue()

    monkeypatch.setattr(results, '_checked', predictions)
    table = pandas.read_parquet(results.collect(work_of(plan, tmp_path), []))
    assert table.trained.tolist() == [True, True, False, True]


def test_a_run_cannot_learn_what_its_draw_of_labels_lacks(registered):
    from pathlib import Path

    import numpy as np
    from mmengine.config import Config

    from benchmark.datasets.metainfo import LandmarkMeta
    from benchmark.datasets.prepared import Record, Split
    from benchmark.experiments.plan.answerable import never_trained
    meta = LandmarkMeta(name='tiny', landmarks=('left', 'right', 'middle'), flip_indices=(1, 0, 2))

    def split(*flags):
        return Split(meta, [Record(i, f'{i}.png', Path(f'{i}.png'), 9, 9, np.zeros((3, 2)), np.array(one, bool))
                            for i, one in enumerate(flags)])

    splits = dict(train=split(*[(1, 0, i == 0) for i in range(6)]), test=split((1, 1, 1), (1, 1, 0)))

    def found(**data):
        view = dict(type='DrawView', **data.pop('view', {}))
        return never_trained(Config(dict(train_dataloader=dict(dataset=dict(pipeline=[view], **data)))), splits, {})

    assert found() == {}  # mirrored views show the right side
    assert found(view=dict(flip=0.0)) == found(view=dict(flip_policy='mask')) == dict(right=2)
    draws = [found(num_labels=2, split_seed=seed) for seed in range(12)]
    assert {} in draws and dict(middle=1) in draws
