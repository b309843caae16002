"""Several tables on one command line: each is a data set, named as its file."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmark.commands.analyze import main
from benchmark.statistics.across import FILE


def table(seed=0, methods=('ours', 'ft'), **columns):
    rng = np.random.default_rng(seed)
    rows = [(method, run, f'i{image}', rng.gamma(4) + 0.2 * (method == 'ft'))
            for method in methods for run in range(2) for image in range(6)]
    return pd.DataFrame(rows, columns=['method', 'seed', 'image', 'error']).assign(**columns)


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Writes tables into a folder, which is the working directory."""
    monkeypatch.chdir(tmp_path)

    def write(**tables):
        for name, frame in tables.items():
            path = tmp_path / f'{name.replace("__", "/")}.csv'
            path.parent.mkdir(exist_ok=True)
            frame.to_csv(path, index=False)
    return write


def run(*words):
    return main([*words, '--proposed', 'ours', '--draws', '100', '--success'])


def test_tables_are_data_sets_as_if_they_were_one_table(files):
    files(hands=table(1), faces=table(2))
    pd.concat([table(1).assign(dataset='hands'), table(2).assign(dataset='faces')]).to_csv('all.csv', index=False)
    assert run('hands.csv', 'faces.csv') == 0 and run('all.csv', '--out', 'one') == 0
    found, same = (json.load(open(f'{folder}/{FILE}', encoding='utf-8')) for folder in ('.', 'one'))
    assert [one['name'] for one in found['data_sets']] == ['hands', 'faces']
    for part in ('contrasts', 'ranking', 'means', 'statements'):
        assert found[part] == same[part]
    assert run('hands.csv', 'faces.csv', '--datasets', 'faces', 'hands', '--out', 'turned') == 0
    turned = json.load(open(f'turned/{FILE}', encoding='utf-8'))
    assert [one['name'] for one in turned['data_sets']] == ['faces', 'hands']
    assert run('hands.csv', 'faces.csv', '--datasets', 'faces', '--out', 'alone') == 0
    assert json.load(open('alone/analysis.json', encoding='utf-8'))['counts']['images'] == 6


def test_options_say_how_all_are_written(files):
    wide = [table(seed).query('seed == 0').pivot(index='image', columns='method', values='error').reset_index()
            for seed in (1, 2)]
    files(a=wide[0].rename(columns={'image': 'case'}), b=wide[1].rename(columns={'image': 'case'}))
    assert run('a.csv', 'b.csv', '--wide', '--columns', 'image=case') == 0
    means = json.load(open(FILE, encoding='utf-8'))['ranking']['data_sets']['b']['means']
    assert means['ft'] == pytest.approx(wide[1]['ft'].mean())


@pytest.mark.parametrize(('words', 'said'), [
    (('a.csv', 'a.csv'), 'a.csv: its data set is a, as that of a.csv; give each file once'),
    (('a.csv', 'sub/a.csv'), 'sub/a.csv: its data set is a, as that of a.csv; data sets go by their files\' names'),
    (('a.csv', 'none.csv'), 'none.csv: no such file'),
    (('a.csv', 'empty.csv'), 'empty.csv: '),
    (('a.csv', 'rows.csv'), 'rows.csv: '),
    (('a.csv', 'named.csv'), 'named.csv: has a column dataset, and of several tables each is a data set'),
    (('a.csv', 'landmarks.csv'), 'landmarks.csv: has a column landmark, and a.csv has no: their rows mean different'),
    (('landmarks.csv', 'a.csv'), 'a.csv: has no column landmark, and landmarks.csv has a: their rows mean different'),
    (('a.csv', 'others.csv'), "the data sets don't have the same methods: ft is only in a; hg is only in others."),
    (('a.csv', 'copy.csv'), 'data set copy: all its 24 rows are those of a'),
    (('a.csv', 'scores.csv'), 'scores.csv: column error missing'),
    (('a.csv', 'sub/b.csv'), '--out: the tables lie in several folders'),
    (('a.csv', 'b.csv', '--datasets', 'c'), '--datasets: the files: no data set c; there are a, b'),
    (('a.csv', 'b.csv', '--contrast', 'a/ours:b/ft'), "--contrast: is for suites' folders"),
    (('a.csv', 'b.csv', '--out', 'suite'), "--out: suite/a, where the data set a goes, is a suite's folder"),
    (('a.csv', 'b.csv', '--out', 'other'), '--out: other/b, where the data set b goes, has another analysis'),
    (('a.csv', 'b.csv', '--out', 'one'), '--out: one has an analysis.json, of one analysis'),
    (('a.csv', 'sub'), 'a.csv: is no folder')])
def test_what_can_not_be_meant_is_one_line(files, capsys, words, said):
    files(a=table(1), b=table(2), sub__a=table(3), sub__b=table(4), copy=table(1), named=table(5, dataset='x'),
          landmarks=table(6, landmark='l'), others=table(7, ('ours', 'hg')), rows=table(8).iloc[:0],
          scores=table(9).rename(columns={'error': 'dice'}))
    open('empty.csv', 'w').close()
    kept = [Path(name) for name in ('suite/a/plan.json', 'other/b/analysis.json', 'one/analysis.json')]
    for path in kept:
        path.parent.mkdir(parents=True)
        path.write_text('{}', encoding='utf-8')
    options = () if '--contrast' in words else ('--proposed', 'ours')
    assert main([*words, *options, '--draws', '100']) == 2
    line, = capsys.readouterr().err.splitlines()
    assert said in line
    assert [path.read_text(encoding='utf-8') for path in kept] == ['{}'] * 3
