"""The table for other packages, and the calls of docs/elsewhere.md."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from handmade import frame, gamma, planned, same

from benchmark.commands import analyze as command
from benchmark.statistics import analyze, validate
from benchmark.statistics.mixed import mixed_contrast

PAGE = Path(__file__).parents[2] / 'docs/elsewhere.md'
CALLS = dict(re.findall(r'^### (\S+)\n\n```(?:py|r)\n(.*?)```', PAGE.read_text(encoding='utf-8'), flags=re.S | re.M))
ERRORS = {'ours': gamma(1, 3, 16, -0.1), 'theirs': gamma(2, 3, 16), 'third': gamma(3, 3, 16, 0.2)}


def written(folder, table, *options):
    """Analysis, wide and long table of what the command wrote."""
    table.to_csv(folder / 'results.csv', index=False)
    assert command.main([str(folder / 'results.csv'), '--draws', '100', *options]) == 0
    read = [pd.read_csv(folder / 'elsewhere' / name, dtype={'image': str, 'subject': str})
            for name in ('wide.csv', 'long.csv')]
    return json.loads((folder / 'analysis.json').read_text(encoding='utf-8')), *read


@pytest.fixture(scope='module')
def content(tmp_path_factory):
    folder = tmp_path_factory.mktemp('elsewhere')
    return folder, *written(folder, frame(ERRORS), '--proposed', 'ours')


@pytest.fixture
def run(content, monkeypatch):
    """What a call of the page leaves behind, and the analysis."""
    def call(name, module):
        pytest.importorskip(module, reason=f'{name} is not installed')
        monkeypatch.chdir(content[0])
        names = {}
        exec(CALLS[name], names)
        return names, content[1]
    return call


def test_wide_has_the_seeds_averaged_and_long_the_scores(content):
    _, analysis, wide, long = content
    assert [*wide.columns] == ['image', 'ours', 'theirs', 'third'] and [*wide['image']] == [
        f'i{number:03}' for number in range(16)]
    for name, values in ERRORS.items():
        same(wide[name].to_numpy(), values.mean(axis=0))
    expected = frame(ERRORS).sort_values(['method', 'seed', 'image'], ignore_index=True)
    pd.testing.assert_frame_equal(long, expected, check_dtype=False)
    same(analysis['methods']['ours']['endpoints']['ME']['mean'], wide['ours'].mean())


@pytest.mark.parametrize('kind', ['landmarks', 'left out', 'filled in', 'subjects', 'folds', 'scores'])
def test_long_gives_the_same_contrasts_again(kind, tmp_path):
    table, options, again = frame(ERRORS), ['--proposed', 'ours'], ['--proposed', 'ours']
    if kind == 'landmarks':
        table = pd.concat([table.assign(landmark=name, error=table['error'] * size)
                           for name, size in (('l', 0.5), ('r', 1.7))])
    elif kind == 'left out':
        table = table[(table['method'] != 'theirs') | (table['seed'] != 1) | (table['image'] != 'i003')]
    elif kind == 'filled in':
        table, options = table.drop(5), [*options, '--missing-cap', '9']
    elif kind == 'subjects':
        table = table.assign(subject=table['image'].map(lambda name: f'p{int(name[1:]) // 2}'))
    elif kind == 'folds':
        table = table.assign(fold=table['image'].map(lambda name: int(name[1:]) % 4)).rename(
            columns={'seed': 'repetition'})
    elif kind == 'scores':
        table = table.assign(error=np.exp(-table['error'])).rename(columns={'error': 'Dice'})
        options = again = [*options, '--higher-is-better', 'Dice']
    first, wide, long = written(tmp_path, table, *options)
    (tmp_path / 'again').mkdir()
    second, again_wide, _ = written(tmp_path / 'again', long, *again)
    pd.testing.assert_frame_equal(wide, again_wide)
    endpoint = 'Dice' if kind == 'scores' else 'ME'
    keys = ('estimate', 'se', 'p', 'ci_low', 'ci_high', 'p_adjusted')
    both = [[one[key] or 0 for one in planned(found, endpoint).values() for key in keys] for found in (first, second)]
    same(*both)
    assert [*wide.columns][0] == ('subject' if kind == 'subjects' else 'image')
    assert len(wide) == {'subjects': 8, 'left out': 15}.get(kind, 16)


def test_no_table_of_the_users_is_overwritten(tmp_path):
    for name in ('wide.csv', 'long.csv'):
        frame(ERRORS).to_csv(tmp_path / name, index=False)
    before = (tmp_path / 'long.csv').read_bytes()
    assert command.main([str(tmp_path / 'wide.csv'), '--draws', '100']) == 0
    assert (tmp_path / 'long.csv').read_bytes() == (tmp_path / 'wide.csv').read_bytes() == before


def test_scipy(run):
    names, analysis = run('scipy', 'scipy')
    effect = next(one for one in analysis['effects'] if (one['endpoint'], one['b']) == ('ME', 'theirs'))
    same(names['p'], effect['wilcoxon']['p'])


def test_autorank(run):
    names, analysis = run('autorank', 'autorank')
    friedman = analysis['ranking']['friedman']
    assert names['ranks'].to_dict() == pytest.approx(friedman['mean_ranks'])
    assert names['critical_difference'] == pytest.approx(friedman['critical_difference'], rel=1e-3)


def test_scikit_posthocs(run):
    names, analysis = run('scikit-posthocs', 'scikit_posthocs')
    for one in analysis['ranking']['friedman']['nemenyi']:
        assert names['p'].loc[one['a'], one['b']] == pytest.approx(one['p'], abs=1e-4)


def test_baycomp(run):
    names, analysis = run('baycomp', 'baycomp')
    # The signed ranks' posterior is on the side of the mean.
    assert names['worse'] + names['alike'] + names['better'] == pytest.approx(1)
    assert (names['better'] > names['worse']) == (planned(analysis)['ours', 'theirs']['estimate'] < 0)


def test_evalstats(run):
    names, analysis = run('evalstats', 'evalstats')
    found = json.dumps(names['result'].to_dict(), default=str)
    mean = analysis['methods']['ours']['endpoints']['ME']['mean']
    assert re.search(rf'{mean:.6f}'[:7].replace('.', r'\.'), found)


def test_statsmodels(run):
    names, _ = run('statsmodels', 'statsmodels')
    expected = mixed_contrast(ERRORS['ours'], ERRORS['theirs'], 'nested')
    assert [names['difference'], names['error']] == pytest.approx([expected.estimate, expected.se], rel=1e-3)


@pytest.mark.parametrize(('name', 'package'), [('lme4', 'lmerTest'), ('challengeR', 'challengeR')])
def test_calls_in_r(name, package, content):
    if shutil.which('Rscript') is None:
        pytest.skip('Rscript is not installed')
    if subprocess.run(['Rscript', '-e', f'library({package})'], capture_output=True).returncode:
        pytest.skip(f'R packages {package} are not installed')
    made = subprocess.run(['Rscript', '-e', CALLS[name]], cwd=content[0], capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    if name == 'lme4':
        expected = mixed_contrast(ERRORS['ours'], ERRORS['theirs'], 'nested')
        row = next(line.split() for line in made.stdout.splitlines() if line.startswith('methodours'))
        assert [float(row[1]), float(row[2])] == pytest.approx([expected.estimate, expected.se], rel=1e-3)


def test_every_call_of_the_page_is_run():
    assert {*CALLS} == {'scipy', 'autorank', 'scikit-posthocs', 'baycomp', 'evalstats', 'statsmodels', 'lme4',
                        'challengeR'}


def test_the_scores_are_those_of_the_main_condition():
    kept = []
    table = pd.concat([frame(ERRORS).assign(condition='few'), frame(ERRORS).assign(condition='all')])
    analyze(validate(table), None, condition='few', kept=kept, draws=100)
    assert [one.name for one in kept] == ['few']
