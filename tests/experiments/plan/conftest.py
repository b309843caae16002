"""Plans of shipped methods on a few synthetic faces."""

from pathlib import Path

import pytest

CONFIGS = Path(__file__).parents[3] / 'mmconfigs'
ALL = ('fe', 'ftp', 'ft', 'hg', 'ctd_cd', 'ctd_ed', 'ctd_com')


@pytest.fixture
def cache(tmp_path):
    """Where a test's plans keep what they make; a file whose tests may share it has its own."""
    return tmp_path / 'cache'


@pytest.fixture
def planned(registered, tmp_path, cache, monkeypatch):
    """Plans shipped methods with other settings on a few synthetic faces."""
    from benchmark.experiments.plan.plan import make_plan
    from benchmark.experiments.suite.suite import load_suite
    monkeypatch.setenv('CTD_CACHE', str(cache))

    def plan(settings: str, methods=ALL, source="dict(_delete_=True, type='random')", text=''):
        (tmp_path / 'mine.py').write_text(
            f"_base_ = {str(CONFIGS / 'suites/smoke.py')!r}\n"
            f"methods = dict(_delete_=True, **{dict.fromkeys(methods, {})!r})\n"
            'data = dict(train=4, val=2, test=3)\nanalysis = dict(proposed=None, reference=None)\n'
            f'source = {source}\nsettings = dict({settings})\n{text}\n')
        return make_plan(load_suite(str(tmp_path / 'mine.py')), tmp_path / 'out')

    return plan
