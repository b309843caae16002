"""OMP_NUM_THREADS is an upper bound of what a run, a source's training or a thread pool uses."""

import argparse
import json
import types

import pytest

from benchmark.experiments.commands import run_suite
from benchmark.experiments.run import pool
from benchmark.experiments.suite.suite import Suite
from benchmark.statistics import resampling
from benchmark.utils import machine


@pytest.fixture(autouse=True)
def eight_cores(monkeypatch):
    monkeypatch.setattr(machine, 'cores', lambda: 8)
    monkeypatch.setattr(pool, 'cores', lambda: 8)
    monkeypatch.delenv('OMP_NUM_THREADS', raising=False)


def planned(tmp_path, workers: int, **execution) -> tuple[int, int]:
    """Threads of runs and source in a plan."""
    content = dict(execution=dict(dict(threads=None, source_threads=None), **execution))
    args = argparse.Namespace(executor='local', gpus='none', per_gpu=1, workers=workers, engine={})
    run_suite.set_threads(types.SimpleNamespace(content=content, out=tmp_path), args, Suite)
    return content['execution']['threads'], content['execution']['source_threads']


@pytest.mark.parametrize(('limit', 'workers', 'threads'), [
    (None, 1, (8, 8)), ('1', 1, (1, 1)), ('2', 2, (2, 2)), ('6', 2, (4, 6)), ('2,1', 1, (2, 2)), ('99', 4, (2, 8)),
    ('0', 1, (8, 8)), ('many', 1, (8, 8))])
def test_runs_have_their_share_of_the_cores_within_the_limit(tmp_path, monkeypatch, limit, workers, threads):
    if limit is not None:
        monkeypatch.setenv('OMP_NUM_THREADS', limit)
    assert planned(tmp_path, workers) == threads


def test_what_the_suite_or_an_earlier_plan_says_is_bounded_too(tmp_path, monkeypatch, capsys):
    assert planned(tmp_path, 1, threads=16) == (16, 8)
    monkeypatch.setenv('OMP_NUM_THREADS', '3')
    (tmp_path / 'plan.json').write_text(json.dumps(dict(execution=dict(threads=8, source_threads=2))))
    assert planned(tmp_path, 1) == (3, 2)
    assert planned(tmp_path, 1, threads=2) == (2, 2) and not capsys.readouterr().out
    assert planned(tmp_path, 1, threads=16) == (3, 2)
    assert capsys.readouterr().out == 'note: threads=16 of the suite is more than OMP_NUM_THREADS=3, which is used\n'


def test_the_pool_of_the_statistics_too(monkeypatch):
    monkeypatch.setenv('OMP_NUM_THREADS', '2')
    asked, pool = [], resampling.ThreadPoolExecutor
    monkeypatch.setattr(resampling, 'ThreadPoolExecutor', lambda max_workers: asked.append(max_workers) or pool(1))
    resampling.in_chunks(4, lambda chunk, size: size)
    assert asked == [2]
