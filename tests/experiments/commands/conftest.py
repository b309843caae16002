"""A suite that stops itself, for commands in this process."""

import pytest
from staged import Instant, World

from benchmark.experiments.commands import run_suite
from benchmark.experiments.executors import EXECUTORS
from benchmark.statistics import looking


@pytest.fixture(scope='session')
def staged_cache(tmp_path_factory):
    """Where the suite's few images lie."""
    return tmp_path_factory.mktemp('staged')


@pytest.fixture
def world(tmp_path, staged_cache, monkeypatch):
    """A suite of three methods, of which two are compared with the third."""
    monkeypatch.setenv('CTD_CACHE', str(staged_cache))
    found = World(tmp_path)
    monkeypatch.setattr(looking, 'analyze', found.analyze)
    monkeypatch.setattr(run_suite, 'judge_source', lambda *args: None)
    monkeypatch.setattr(Instant, 'calls', [])
    monkeypatch.setitem(EXECUTORS, 'local', Instant)
    return found
