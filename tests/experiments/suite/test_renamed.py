"""Shipped configs that were renamed are found by their old names, with a warning that names the new one."""

from pathlib import Path

import pytest

from benchmark.experiments.commands import run_suite
from benchmark.experiments.errors import SuiteError
from benchmark.experiments.suite import configs
from benchmark.experiments.suite.configs import CONFIGS, find_config, names, read_config
from benchmark.experiments.suite.suite import load_suite

NEW = CONFIGS / 'methods/baselines/l2.py'
SAID = ('warning: mmconfigs/methods/rivals/l2.py is called mmconfigs/methods/baselines/l2.py now; the old name works '
        'until version 1.0.\n')


@pytest.fixture(autouse=True)
def nothing_said_yet():
    configs._say_renamed.cache_clear()


@pytest.mark.parametrize('name', ['rivals/l2', str(CONFIGS / 'methods/rivals/l2.py'), 'mmconfigs/methods/rivals/l2.py',
                                  '../mmconfigs/methods/rivals/l2.py'])
def test_a_method_is_found_by_its_old_path(name, capsys):
    beside = CONFIGS if name.startswith('..') else CONFIGS.parent
    assert find_config('methods', name, beside) == NEW
    assert find_config('methods', name, beside) == NEW
    assert capsys.readouterr().err == SAID, 'once'


@pytest.mark.parametrize('old', ['rivals', 'rivals_untuned', 'mmconfigs/suites/rivals.py'])
def test_a_suite_is_found_by_its_old_name(old, capsys):
    new = old.replace('rivals', 'baselines')
    assert find_config('suites', old, CONFIGS.parent) == find_config('suites', new, CONFIGS.parent)
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1 and f'{Path(new).stem}.py now; the old name works until version 1.0' in said
    assert not {'rivals', 'rivals_untuned'} & set(names('suites'))


def test_a_base_is_found_by_its_old_path(tmp_path, capsys):
    (tmp_path / 'mine.py').write_text(f"_base_ = {str(CONFIGS / 'methods/rivals/l2.py')!r}\n")
    (tmp_path / 'suite.py').write_text(f"_base_ = {str(CONFIGS / 'suites/rivals.py')!r}\n"
                                       "methods = dict(_delete_=True, ft={}, mine=dict(config='mine.py'))\n"
                                       'tuning = dict(_delete_=True)\n')
    mine = load_suite(str(tmp_path / 'suite.py')).methods['mine'].config
    assert 'suites/baselines.py now' in capsys.readouterr().err
    assert read_config(mine).to_dict() == read_config(NEW).to_dict()
    assert capsys.readouterr().err == SAID


def test_what_never_was_there_is_not_found(tmp_path, capsys):
    for name in ('rivals/none', str(CONFIGS / 'methods/rivals/none.py'), str(tmp_path / 'methods/rivals/l2.py')):
        with pytest.raises(SuiteError, match='no such'):
            find_config('methods', name)
    assert not capsys.readouterr().err


def test_the_output_folder_has_the_name_that_was_typed(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run_suite.main(['rivals', '--status']) == 2
    assert f'{tmp_path}/runs/rivals' in capsys.readouterr().err
