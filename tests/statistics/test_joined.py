"""Contrasts of methods of several suites' folders: the numbers are those of one suite, and what can't be set against
each other is refused in one line."""

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from handmade import VALIDATOR

from benchmark.commands.analyze import main
from benchmark.statistics import analyze, read_suite
from benchmark.statistics.folders import names
from reports import build_report

TRUE = dict(a=(10.0, 12.0), b=(30.0, 14.0))
LABELS = dict(ft='FT', ctd_ed='CTD-ED', scratch='Scratch')
LEVEL = dict(ft=1.0, ctd_ed=0.8, scratch=1.6)
NUMBERS = ('estimate', 'se', 'df', 't', 'p', 'ci_low', 'ci_high')


def drawn(purpose, method, seed, shared):
    owner = '' if purpose in shared else method
    return int(hashlib.sha256(f'{purpose}|{owner}|{seed}'.encode()).hexdigest()[:6], 16)


def folder(base, name, methods=('ft', 'ctd_ed'), seeds=3, images=9, shared=(), fingerprint='f1', conditions=('all',),
           lacking=(), salt='', data=None, drop=(), **analysis):
    """A finished suite's folder; ``lacking``: (method, seed) of failed runs; ``salt`` makes other trainings of it."""
    place = base / name
    place.mkdir(parents=True)
    rows, runs = [], []
    for condition in conditions:
        for method in methods:
            for seed in range(seeds):
                hash_ = hashlib.sha256(f'{method}{seed}{condition}{salt}'.encode()).hexdigest()
                run = dict(id=f'{method}/{condition}-seed{seed}-{hash_[:8]}', method=method, condition=condition,
                           seed=seed, hash=hash_, folder='', source_hash='s1',
                           seeds={purpose: drawn(purpose, method, seed, shared) for purpose in ('init', 'split')})
                runs.append(run)
                failed = (method, seed) in lacking
                record = place / 'runs' / run['id'] / 'record.json'
                record.parent.mkdir(parents=True)
                record.write_text(json.dumps({key: run[key] for key in ('id', 'method', 'condition', 'seed', 'hash')}
                                             | dict(state='failed' if failed else 'done', seconds=1.0)))
                if failed:
                    continue
                rng = np.random.default_rng(int(hash_[:8], 16))
                size = LEVEL[method] * (2 if condition == 'few' else 1) * (1 + 0.1 * rng.normal())
                for image in range(images):
                    for landmark, (x, y) in TRUE.items():
                        off = size * (1 + image / 20) * rng.normal(size=2)
                        rows.append((condition, method, seed, f'i{image}', landmark, np.hypot(*off), 20.0 + image,
                                     x + image + off[0], y + off[1], x + image, y))
    table = pd.DataFrame(rows, columns=['condition', 'method', 'seed', 'image', 'landmark', 'error', 'normalizer', 'x',
                                        'y', 'x_true', 'y_true'])
    table[~table['image'].isin(drop)].to_parquet(place / 'results.parquet')
    plan = dict(suite=name, title=name, question='', caution='Made up.',
                methods=[dict(name=one, label=LABELS[one], description=f'{one}.') for one in methods],
                conditions=[dict(name=one, label=f'{one} labels', value=n) for n, one in enumerate(conditions)],
                seeds=[*range(seeds)], runs=runs,
                analysis=dict(threshold=1.2, design='paired' if shared else 'nested', unit='heatmap px',
                              proposed=methods[-1], reference=methods[0]) | analysis,
                data=dict(name='made', landmarks=[*TRUE], interocular=['a', 'b'],
                          fingerprint=fingerprint) | (data or {}),
                source=dict(name='train', description='a source', hash='s1'),
                settings=dict(epochs=9, width=salt or 'w', FT=dict(frozen=None)))
    (place / 'plan.json').write_text(json.dumps(plan))
    return place


def call(out, *words):
    return main([*map(str, words), '--out', str(out), '--draws', '100'])


def analysed(tmp_path, *words):
    assert call(tmp_path / 'out', *words) == 0
    content = json.loads((tmp_path / 'out/analysis.json').read_text())
    VALIDATOR.validate(content)
    return content


def numbers_of(content, a, b, family='planned'):
    return {(one['endpoint'], one['scope']): [one[key] for key in NUMBERS] for one in content['contrasts']
            if (one['a'], one['b'], one['family']) == (a, b, family)}


def said(content, text):
    return [note for note in content['notes'] if text in note]


@pytest.mark.parametrize('shared', [(), ('init',)])
def test_the_joined_path_gives_the_numbers_of_the_suite_itself(tmp_path, shared):
    place = folder(tmp_path, 'A', shared=shared, lacking=[('ft', 1)], margin=dict(ME=0.3))
    suite = read_suite(place)
    own = analyze(suite.table, suite.plan, suite.records, draws=100)
    content = analysed(tmp_path, place, '--contrast', 'A/ctd_ed:A/ft')
    assert numbers_of(content, 'A/ctd_ed', 'A/ft') == numbers_of(own, 'ctd_ed', 'ft')
    assert len(numbers_of(own, 'ctd_ed', 'ft')) >= 6
    for key in ('design', 'threshold', 'margin', 'unit', 'counts'):
        assert content[key] == own[key], key
    assert [one['verdict'] for one in content['contrasts'] if one['family'] == 'planned'] == [
        one['verdict'] for one in own['contrasts'] if one['family'] == 'planned']
    for key in ('planned', 'done', 'failed', 'missing'):
        assert content['runs'][key] == own['runs'][key]
    assert said(content, '1 of 6 runs failed: A/ft/all-seed1')
    assert content['landmarks']['methods']['A/ft'] == own['landmarks']['methods']['ft']


def test_two_suites_give_the_numbers_of_one_that_holds_both(tmp_path):
    first, second = folder(tmp_path, 'A'), folder(tmp_path, 'B', methods=('ctd_ed', 'scratch'), salt='other')
    tables = [pd.read_parquet(place / 'results.parquet') for place in (first, second)]
    both = pd.concat([tables[0][tables[0].method == 'ft'], tables[1][tables[1].method == 'ctd_ed']])
    both.to_parquet(tmp_path / 'both.parquet')
    assert main([str(tmp_path / 'both.parquet'), '--proposed', 'ft', '--draws', '100']) == 0
    whole = json.loads((tmp_path / 'analysis.json').read_text())
    content = analysed(tmp_path, first, second, '--contrast', 'A/ft:B/ctd_ed')
    assert numbers_of(content, 'A/ft', 'B/ctd_ed') == numbers_of(whole, 'ft', 'ctd_ed')
    assert (content['proposed'], content['reference'], content['design']) == ('A/ft', 'B/ctd_ed', 'nested')
    assert [one['label'] for one in content['methods'].values()] == ['FT (A)', 'CTD-ED (B)']
    assert content['settings'] == dict(epochs=9, **{'FT (A)': dict(width='w', frozen=None),
                                                     'CTD-ED (B)': dict(width='other')})
    assert said(content, f'A is {first}, B is {second}.')
    assert said(content, 'Seeds are not paired: the plans draw others for each')
    assert said(content, 'B: scratch is in no contrast') and content['title'] == 'FT (A) against CTD-ED (B)'
    page = build_report(tmp_path / 'out/analysis.json', tmp_path / 'out').read_text()
    assert 'CTD-ED (B)' in page and 'Is FT (A) better than CTD-ED (B)?' in page


def test_seeds_are_paired_where_both_plans_draw_the_same_for_them(tmp_path):
    first, second = folder(tmp_path, 'A', shared=('init',)), folder(tmp_path, 'B', shared=('init',), salt='x')
    content = analysed(tmp_path, first, second, '--contrast', 'A/ft:B/ctd_ed')
    assert content['design'] == 'paired' and said(content, 'Seeds are paired: in the plans seed s is one draw')
    third = folder(tmp_path, 'C', shared=('split',), salt='y')  # what A shares, C draws for each method
    assert analysed(tmp_path, first, third, '--contrast', 'A/ft:C/ctd_ed')['design'] == 'nested'
    # The same method has the same numbers in each suite that lets them vary.
    varying = folder(tmp_path, 'E', salt='e'), folder(tmp_path, 'F', salt='f')
    assert analysed(tmp_path, *varying, '--contrast', 'E/ft:F/ft')['design'] == 'paired'
    mixed = analysed(tmp_path, *varying, '--contrast', 'E/ft:F/ft', '--contrast', 'E/ft:F/ctd_ed')
    assert mixed['design'] == 'nested' and said(mixed, 'E/ft and F/ft share their seeds, and that is not used')
    few = folder(tmp_path, 'D', shared=('init',), seeds=1, salt='z')
    content = analysed(tmp_path, first, few, '--contrast', 'A/ft:D/ctd_ed')
    assert content['design'] == 'nested' and said(content, 'there is one seed in common')


def test_the_same_trainings_in_both_folders_are_named(tmp_path):
    first = folder(tmp_path, 'one/A')
    shutil.copytree(first, tmp_path / 'two/A')
    content = analysed(tmp_path, first, tmp_path / 'two/A', '--contrast', 'one/A/ft:two/A/ctd_ed', '--contrast',
                       f'{first}/ft:{tmp_path}/two/A/ft')
    assert said(content, 'one/A/ft and two/A/ft are the same training (method, data and hash) in seeds 0, 1, 2')
    assert [*content['methods']] == ['one/A/ft', 'two/A/ctd_ed', 'two/A/ft'] and content['runs']['planned'] == 9
    assert 'identical results' in [one['kind'] for one in content['alerts']]


def test_conditions_are_the_main_one_of_each_unless_named(tmp_path):
    place = folder(tmp_path, 'A', conditions=('all', 'few'))
    other = folder(tmp_path, 'B', salt='x')
    table = pd.read_parquet(place / 'results.parquet')
    means = table.groupby(['condition', 'method']).error.mean()
    content = analysed(tmp_path, place, '--contrast', 'A/ft@few:A/ft')
    assert content['order']['methods'] == ['A/ft@few', 'A/ft']
    assert [content['methods'][name]['endpoints']['ME']['mean'] for name in content['order']['methods']] == (
        pytest.approx([means['few', 'ft'], means['all', 'ft']]))
    assert content['methods']['A/ft@few']['label'] == 'FT (few labels, A)'
    content = analysed(tmp_path, place, '--contrast', 'A/ft:A/ctd_ed', '--condition', 'few')
    assert content['methods']['A/ft']['endpoints']['ME']['mean'] == pytest.approx(means['few', 'ft'])
    content = analysed(tmp_path, place, other, '--contrast', 'A/ft@few:B/ft')
    assert content['main_condition'] == 'few labels of A/ft@few, all labels of B/ft'


def test_declarations_of_one_hold_and_those_of_both_must_agree(tmp_path, capsys):
    first, second = folder(tmp_path, 'A', margin=dict(ME=0.3)), folder(tmp_path, 'B', salt='x', sequential=dict(
        max_seeds=9))
    content = analysed(tmp_path, first, second, '--contrast', 'A/ft:B/ft')
    assert content['margin'] == dict(ME=0.3) and said(content, 'Only A declares margin: ME=0.3;')
    assert said(content, 'B declares looks') and content['sequential'] is None
    third = folder(tmp_path, 'C', salt='y', margin=dict(ME=0.2))
    capsys.readouterr()
    assert call(tmp_path / 'out', first, third, '--contrast', 'A/ft:C/ft') == 2
    assert 'analysis.margin: ME=0.3 (A) and ME=0.2 (C); say what holds: --margin' in capsys.readouterr().err
    content = analysed(tmp_path, first, third, '--contrast', 'A/ft:C/ft', '--margin', 'ME=0.1')
    assert content['margin'] == dict(ME=0.1)


@pytest.mark.parametrize('options, part', [
    (dict(fingerprint='f2'), 'not the same data (fingerprints f1 and f2)'),
    (dict(data=dict(interocular=['b', 'a'])), 'unlike normalising distances'),
    (dict(data=dict(landmarks=['a', 'c'])), 'unlike landmarks'), (dict(drop=['i3']), 'unlike test images: i3 in one'),
    (dict(data=dict(fingerprint=None)), 'fingerprints f1 and none')])
def test_other_data_are_refused_in_one_line(tmp_path, capsys, options, part):
    first, second = folder(tmp_path, 'A'), folder(tmp_path, 'B', salt='x', **options)
    assert call(tmp_path / 'out', first, second, '--contrast', 'A/ft:B/ft') == 2
    error = capsys.readouterr().err
    assert error.count('\n') == 1 and part in error and str(first) in error and str(second) in error
    assert '--data-root' in error


@pytest.mark.parametrize('words, part', [
    (['A', 'B'], 'name it, as in --contrast A/ft:B/ctd_ed. A has ft, ctd_ed; B has ft, ctd_ed'),
    (['A', 'A', '--contrast', 'A/ft:A/ctd_ed'], 'the same folder is given twice'),
    (['A', 'B', '--contrast', 'A/ft:B/hg'], 'B has no method hg; B has ft, ctd_ed'),
    (['A', 'B', '--contrast', 'A/ft:C/ft'], 'no folder C is given; there are A, B'),
    (['A', 'B', '--contrast', 'A/ft'], 'not of the form FOLDER/METHOD:FOLDER/METHOD'),
    (['A', 'B', '--contrast', 'ft:ctd_ed'], 'not of the form FOLDER/METHOD:FOLDER/METHOD'),
    (['A', 'B', '--contrast', 'A/ft:A/ft'], 'both sides are A/ft'),
    (['A', 'B', '--contrast', 'A/ft:B/ft', '--contrast', 'B/ft:A/ft'], 'are compared already'),
    (['A', 'B', '--contrast', 'A/ft@few:B/ft'], 'A has no condition few; there are all'),
    (['A', 'B', '--contrast', 'A/ft:B/ft', '--condition', 'few'], 'condition: A has no condition few'),
    (['A', 'B', '--contrast', 'A/ft:B/ft', '--proposed', 'ft'], '--proposed: is for one input'),
    (['A', 'empty', '--contrast', 'A/ft:empty/ft'], 'no results.parquet in this folder'),
    (['A', 'bare', '--contrast', 'A/ft:bare/ft'], "no suite's folder"),
    (['A', 'A/results.parquet', '--contrast', 'A/ft:B/ft'], 'is no folder'),
    (['A', 'a.csv'], 'a.csv: is no folder; '), (['A', 'a.csv'], 'as in a.csv b.csv'),
    (['A', 'analysed'], 'analysed: an analysis without its table'), (['A', 'analysed'], 'tables of several data sets'),
    (['A', 'nowhere', '--contrast', 'A/ft:B/ft'], 'no such folder'),
    (['A', 'failed', '--contrast', 'A/ft:failed/ft'], 'no run of ft under all labels is done')])
def test_what_cannot_be_meant_is_refused_in_one_line(tmp_path, monkeypatch, capsys, words, part):
    monkeypatch.chdir(tmp_path)
    folder(tmp_path, 'A')
    folder(tmp_path, 'B', salt='x')
    folder(tmp_path, 'failed', salt='y', lacking=[('ft', seed) for seed in range(3)])
    for name in ('empty', 'bare', 'analysed'):
        (tmp_path / name).mkdir()
    for name in ('a.csv', 'b.csv', 'analysed/analysis.json'):
        (tmp_path / name).touch()
    shutil.copy(tmp_path / 'A/results.parquet', tmp_path / 'bare')
    assert call(tmp_path / 'out', *words) == 2
    error = capsys.readouterr().err
    assert error.count('\n') == 1 and part in error
    assert not (tmp_path / 'out').exists()


def test_the_suites_own_analyses_are_not_overwritten(tmp_path, capsys):
    first, second = folder(tmp_path, 'A'), folder(tmp_path, 'B', salt='x')
    for out in ([], ['--out', str(first)]):
        assert main([str(first), str(second), '--contrast', 'A/ft:B/ft', *out]) == 2
        assert '--out: name a folder' in capsys.readouterr().err
    assert not (first / 'analysis.json').exists()


def test_names_are_the_shortest_that_tell_folders_apart(tmp_path):
    assert names([tmp_path / 'A', tmp_path / 'B']) == ['A', 'B']
    assert names([tmp_path / 'x/A', tmp_path / 'y/A', tmp_path / 'y/B']) == ['x/A', 'y/A', 'y/B']


def test_a_suite_of_an_earlier_version_is_joined(tmp_path):
    old = tmp_path / 'old'
    shutil.copytree(Path(__file__).parents[1] / 'data/finished_suites/tuned', old)
    content = analysed(tmp_path, old, '--contrast', 'old/ctd_ed:old/ft')
    suite = read_suite(old)
    own = analyze(suite.table, suite.plan, suite.records, draws=100)
    assert numbers_of(content, 'old/ctd_ed', 'old/ft') == numbers_of(own, 'ctd_ed', 'ft')
    assert content['tuning']['methods'].keys() == {'old/ctd_ed', 'old/ft'}
    assert content['training']['runs'] == sum(one['condition'] == own['main_condition'] for one in own['runs']['items'])


def test_images_without_predictions_are_missing_ones_of_the_same_data(tmp_path, capsys):
    a, b = folder(tmp_path, 'A', images=12), folder(tmp_path, 'B', images=12, salt='b', drop=('i3',))
    assert call(tmp_path / 'out', a, b, '--contrast', 'A/ft:B/ctd_ed')
    assert 'i3 in one only, perhaps without predictions in the other: --missing-cap counts' in capsys.readouterr().err
    found = analysed(tmp_path, a, b, '--contrast', 'A/ft:B/ctd_ed', '--missing-cap', '10')
    assert found['contrasts'][0]['n_units'] == 12


def test_annotations_of_one_table_are_those_of_the_data(tmp_path):
    a, b = folder(tmp_path, 'A'), folder(tmp_path, 'B', salt='b')
    table = pd.read_parquet(a / 'results.parquet')
    table['between_reference-two'] = table['x_true'] / 100
    table.to_parquet(a / 'results.parquet')
    found = analysed(tmp_path, a, b, '--contrast', 'A/ft:B/ctd_ed')
    assert found['annotators']['endpoints']['ME']['mean'] == pytest.approx(table['between_reference-two'].mean())


def test_a_colon_may_stand_in_a_folders_name(tmp_path):
    a, b = folder(tmp_path, 'A:1'), folder(tmp_path, 'B:2', salt='b')
    assert {*analysed(tmp_path, a, b, '--contrast', 'A:1/ft:B:2/ctd_ed')['methods']} == {'A:1/ft', 'B:2/ctd_ed'}


def test_another_suites_folder_is_no_output(tmp_path, capsys):
    a, b, c = folder(tmp_path, 'A'), folder(tmp_path, 'B', salt='b'), folder(tmp_path, 'C')
    assert call(c, a, b, '--contrast', 'A/ft:B/ctd_ed')
    assert 'C is a suite\'s folder' in capsys.readouterr().err and not (c / 'analysis.json').exists()


def test_suites_of_different_data_are_data_sets(tmp_path, capsys):
    first = folder(tmp_path, 'A', methods=('ft', 'scratch', 'ctd_ed'), margin=dict(ME=0.3))
    second = folder(tmp_path, 'B', fingerprint='f2', salt='x', sequential=dict(max_seeds=9))
    third = folder(tmp_path, 'C', fingerprint='f3', salt='y', images=7)
    assert call(tmp_path / 'out', first, second, third) == 2
    assert 'scratch is only in A' in capsys.readouterr().err
    assert call(tmp_path / 'out', first, second, third, '--common-methods') == 0
    content = json.loads((tmp_path / 'out/datasets.json').read_text())
    assert [(one['name'], one['images']) for one in content['data_sets']] == [('A', 9), ('B', 9), ('C', 7)]
    assert content['order']['methods'] == ['ft', 'ctd_ed'] and content['proposed'] == 'ctd_ed'
    assert content['margin'] == dict(ME=0.3) and content['unit'] == 'heatmap px'
    said_ = ' '.join(content['notes'])
    for part in ('Only A declares margin', 'B declares looks', f'A is {first}, B is {second}, C is {third}',
                 'scratch (not in B, C)'):
        assert said_.count(part) == 1, part
    # Each is what its own suite says, but for what all have in common.
    for place in (second, third):
        suite = read_suite(place)
        suite.plan['analysis'].pop('sequential', None)
        own = analyze(suite.table, suite.plan, suite.records, draws=100, margin=dict(ME=0.3))
        found = json.loads((tmp_path / 'out' / place.name / 'analysis.json').read_text())
        VALIDATOR.validate(found)
        assert numbers_of(found, 'ctd_ed', 'ft') == numbers_of(own, 'ctd_ed', 'ft')
        assert found['runs']['done'] == own['runs']['done'] == 6
        cell = content['contrasts'][0]['data_sets'][place.name]
        assert cell['estimate'] == numbers_of(own, 'ctd_ed', 'ft')['ME', 'procedure'][0]
    alone = json.loads((tmp_path / 'out/A/analysis.json').read_text())
    assert alone['order']['methods'] == ['ft', 'ctd_ed'] and alone['runs']['planned'] == 6
    assert not any('scratch' in note for note in alone['notes'] if 'Left out' not in note)
    assert not (first / 'analysis.json').exists()


def test_what_suites_as_data_sets_must_agree_on(tmp_path, capsys):
    first, second = folder(tmp_path, 'A'), folder(tmp_path, 'B', fingerprint='f2', salt='x', proposed='ft',
                                                  reference=None)
    for words, part in (
            ([], 'analysis.proposed: ctd_ed (A) and ft (B); say what holds: --proposed'),
            (['--proposed', 'ft', '--datasets', 'A'], 'A alone is one suite'),
            (['--proposed', 'ft', '--datasets', 'D', 'A'], 'no data set D; there are A, B'),
            (['--columns', 'image=case'], '--columns: is for one input'),
            (['--sequential', 'max_seeds=9'], '--sequential: is for one input'),
            (['--contrast', 'A/ft:B/ft'], 'not the same data')):
        assert call(tmp_path / 'out', first, second, *words) == 2
        error = capsys.readouterr().err
        assert error.count('\n') == 1 and part in error, error
    assert main([str(first), str(second), '--proposed', 'ft']) == 2
    assert '--out: name a folder for all data sets' in capsys.readouterr().err
    assert call(tmp_path / 'out', first, second, '--proposed', 'ctd_ed', '--reference', 'ft') == 0


def test_planned_pairs_of_suites_as_data_sets(tmp_path, capsys):
    methods = ('ft', 'scratch', 'ctd_ed')
    plans = dict(A=dict(pairs=[['ctd_ed', 'ft'], ['ctd_ed', 'scratch']]), B=dict(pairs=[['ft', 'scratch']]),
                 C=dict(proposed='ft'))
    first, second, third = (folder(tmp_path, name, methods=methods, fingerprint=f'f{name}', salt=name,
                                   **dict(proposed=None, reference=None) | plan) for name, plan in plans.items())
    for others, part in (([second], 'of analysis.pairs: '), ([third], 'A declares analysis.pairs and C analysis.prop')):
        assert call(tmp_path / 'out', first, *others) == 2
        error = capsys.readouterr().err
        assert part in error and error.endswith('say what holds: --proposed\n')
    assert call(tmp_path / 'out', first, second, third, '--proposed', 'ft') == 0
    content = json.loads((tmp_path / 'out/datasets.json').read_text())
    assert {(one['a'], one['b']) for one in content['contrasts']} == {('ft', 'scratch'), ('ft', 'ctd_ed')}
