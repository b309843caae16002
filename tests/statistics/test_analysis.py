"""The summary against hand-computed values, its invariances, its schema and the command."""

import importlib.util
import itertools
import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import numpy as np
import pandas as pd
import pytest

from benchmark.statistics import SCHEMA, TableError, analyze, read_table, validate, write_analysis

ROOT = Path(__file__).resolve().parents[2]

def tool(name):
    spec = importlib.util.spec_from_file_location(f'tool_{name}', ROOT / f'tools/{name}.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def results(rng, methods=('a', 'b'), seeds=3, images=6, conditions=('all',), landmarks=2):
    keys = itertools.product(conditions, methods, range(seeds), range(images), range(landmarks))
    rows = [(c, m, s, f'i{i}', f'k{k}', rng.uniform(0, 2), 20.0) for c, m, s, i, k in keys]
    names = ['condition', 'method', 'seed', 'image', 'landmark', 'error', 'normalizer']
    return pd.DataFrame(rows, columns=names)


def check_schema(content):
    jsonschema.validate(content, json.loads(SCHEMA.read_text()))


def test_two_standard_deviations_by_hand():
    values = {0: [1.0, 2.0, 3.0], 1: [1.2, 2.4, 3.6]}
    rows = [('m', s, f'i{i}', e) for s, errors in values.items() for i, e in enumerate(errors)]
    content = analyze(validate(pd.DataFrame(rows, columns=['method', 'seed', 'image', 'error'])))
    block = content['methods']['m']['endpoints']
    assert block['ME']['mean'] == pytest.approx(2.2)
    assert block['ME']['per_seed'] == pytest.approx([2.0, 2.4])
    assert block['ME']['seed_sd'] == pytest.approx(np.sqrt(0.08))
    assert block['ME']['image_sd'] == pytest.approx(1.1)  # of 1.1, 2.2, 3.3
    assert block['FR']['mean'] == pytest.approx(4 / 6)  # 1.0 and 1.2 are not above 1.2
    assert content['decoder_floor'] is None  # the unit is unknown
    check_schema(content)


def test_permutations_change_no_byte(tmp_path):
    frame = results(np.random.default_rng(0), conditions=('all', 'few'))
    first = write_analysis(tmp_path / 'a.json', analyze(validate(frame))).read_bytes()
    shuffled = frame.sample(frac=1, random_state=1)[frame.columns[::-1]]
    assert write_analysis(tmp_path / 'b.json', analyze(validate(shuffled))).read_bytes() == first


def test_one_seed_has_no_standard_deviation_over_seeds():
    content = analyze(validate(results(np.random.default_rng(0), seeds=1)))
    block = content['methods']['a']['endpoints']['ME']
    assert block['seed_sd'] is None and block['image_sd'] > 0 and block['ci_scope'] == 'networks'
    check_schema(content)


def test_a_method_with_one_image_is_refused():
    frame = results(np.random.default_rng(0))
    frame = frame[(frame['method'] == 'a') | (frame['image'] == 'i0')]
    with pytest.raises(TableError, match='one image only for b'):
        analyze(validate(frame))


def alerts_of(kind, *arguments, **choices):
    found = analyze(*arguments, draws=100, **choices)
    check_schema(found)
    return [one['text'] for one in found['alerts'] if one['kind'] == kind]


@pytest.mark.parametrize(('seeds', 'design', 'methods', 'parts'), [
    # chi2_1 is below .2 in 34.5 %, chi2_2 / 2 in 18.1 %, chi2_3 / 3 in 10.4 %; t with 1, 2 and 3 degrees of freedom.
    (2, 'nested', 'ab', ['2 nested seeds', 'in 35 of 100', 'up to 12.7 standard errors', 'up to 6.7 %']),
    (2, 'nested', 'abc', ['2 nested seeds', 'up to 6.7 %']),
    (2, 'paired', 'abcdefg', ['2 paired seeds', 'must reach 12.7 standard errors, not 2.0']),
    (3, 'paired', 'ab', ['3 paired seeds', 'in 18 of 100', 'reach 4.3 standard errors']),
    (3, 'paired', 'abcdefgh', ['4.3 standard errors', 'up to 6.9 %']),
    (4, 'nested', 'ab', ['4 nested seeds', 'in 10 of 100', '3.2 standard errors']),
    (5, 'paired', 'ab', None), (5, 'paired', 'abcdefg', None), (1, 'nested', 'ab', None),
])
def test_few_seeds_are_an_alert_with_what_they_can_tell(seeds, design, methods, parts):
    frame = results(np.random.default_rng(0), methods=[*methods], seeds=seeds, landmarks=1)
    found = alerts_of('few seeds', validate(frame), design=design, proposed='a')
    assert len(found) == (parts is not None)
    assert all(part in found[0] for part in parts or ())
    if parts:
        assert ('At a nominal 5 %' in found[0]) == any(part.endswith('%') for part in parts)


@pytest.mark.parametrize(('choices', 'told'), [
    (dict(design='paired'), True), (dict(design='paired', methods='abcdefg'), False), (dict(design='nested'), False),
    (dict(design='paired', sequential=dict(max_seeds=6)), False),
])
def test_more_seeds_in_a_large_family_are_a_note_where_the_rate_is_above_6_percent(choices, told):
    choices = dict(choices)
    frame = results(np.random.default_rng(0), methods=[*choices.pop('methods', 'abcdefgh')], seeds=5, landmarks=1)
    notes = analyze(validate(frame), draws=100, proposed='a', **choices)['notes']
    assert ('At a nominal 5 % equal procedures are called different in up to 6.4 % of simulated suites with 7 '
            'contrasts and paired seeds.' in notes) == told == any('At a nominal' in text for text in notes)


def test_few_seeds_are_no_alert_where_looks_are_declared():
    frame = validate(results(np.random.default_rng(0), seeds=3, landmarks=1))
    assert alerts_of('few seeds', frame) and not alerts_of('few seeds', frame, sequential=dict(max_seeds=10))


def test_two_seeds_against_ten_are_an_alert():
    frame = results(np.random.default_rng(0), seeds=10, landmarks=1)
    frame = frame[(frame['method'] == 'a') | (frame['seed'] < 2)]
    text, = alerts_of('few seeds', validate(frame))
    assert text.startswith('2 against 10 seeds say little') and 'At a nominal' not in text


def test_all_pairs_of_seven_methods_without_a_plan():
    frame = results(np.random.default_rng(0), methods=[*'abcdefg'], landmarks=1)
    assert 'up to 6.9 % of simulated suites' in alerts_of('few seeds', validate(frame), design='paired')[0]
    frame = results(np.random.default_rng(0), methods=[*'abcdefg'], seeds=10, landmarks=1)
    frame = frame[(frame['method'] != 'a') | (frame['seed'] < 3)]
    assert 'up to 8.0 % of simulated suites' in alerts_of('few seeds', validate(frame))[0]


def test_methods_with_the_same_predictions_in_all_seeds_are_an_alert():
    frame = results(np.random.default_rng(0), methods=('a', 'b', 'c'))
    frame['x'] = frame['y'] = frame['error'] * 3
    same = frame.copy()
    place = same['method'] == 'b'
    same.loc[place, ['x', 'y', 'error']] = same.loc[same['method'] == 'a', ['x', 'y', 'error']].to_numpy()
    text, = alerts_of('identical results', validate(same))
    assert text.startswith('a, b give the same predictions to the last bit, in all 3 seeds')
    for column in ('x', 'error'):
        other = same.copy()
        other.loc[other.index[place][0], column] += 1e-9
        # Where there are predictions they are compared, not what follows from them.
        assert len(alerts_of('identical results', validate(other))) == (column == 'error')
    assert not alerts_of('identical results', validate(frame))
    bare = validate(same.drop(columns=['x', 'y']))
    assert len(alerts_of('identical results', bare)) == 1


def test_conditions_that_change_nothing_are_an_alert_but_for_runs_shared_by_the_plan():
    frame = results(np.random.default_rng(0), conditions=('all', 'few', 'odd'))
    same = frame.copy()
    for method in 'ab':
        same.loc[(same['condition'] == 'few') & (same['method'] == method), 'error'] = same.loc[
            (same['condition'] == 'all') & (same['method'] == method), 'error'].to_numpy()
    text, = alerts_of('identical results', validate(same))
    assert text.startswith('all methods give the same predictions to the last bit under all and few')
    part = same.copy()
    part.loc[(part['condition'] == 'few') & (part['method'] == 'b'), 'error'] += 0.1
    assert alerts_of('identical results', validate(part))[0].startswith('a gives the same predictions')
    runs = [{'id': f'{m}/{c}/{s}', 'method': m, 'condition': c, 'seed': s} for m in 'ab' for c in ('all', 'few', 'odd')
            for s in range(3) if (m, c) != ('a', 'few')]
    for run in runs:
        if (run['method'], run['condition']) == ('a', 'all'):
            run['also'] = {'few': f'a/few/{run["seed"]}'}
    plan = {'conditions': [{'name': name} for name in ('all', 'few', 'odd')], 'runs': runs}
    assert not alerts_of('identical results', validate(part), plan)
    assert alerts_of('identical results', validate(same), plan)
    # One run may stand for more than two conditions.
    for column in ('few', 'odd'):
        part.loc[(part['condition'] == column) & (part['method'] == 'a'), 'error'] = part.loc[
            (part['condition'] == 'all') & (part['method'] == 'a'), 'error'].to_numpy()
    for run in runs:
        if 'also' in run:
            run['also']['odd'] = f'a/odd/{run["seed"]}'
    plan['runs'] = [run for run in runs if (run['method'], run['condition']) != ('a', 'odd')]
    assert not alerts_of('identical results', validate(part), plan)


def test_missing_seeds_and_failed_runs_are_counted():
    frame = results(np.random.default_rng(0))
    frame = frame[~((frame['method'] == 'b') & (frame['seed'] == 2))]
    runs = [{'id': f'{m}{s}', 'method': m, 'condition': 'all', 'seed': s} for m in 'ab' for s in range(3)]
    plan = {
        'methods': [{'name': m} for m in 'bac'],
        'conditions': [{'name': 'all'}],
        'seeds': [0, 1, 2],
        'runs': runs,
    }
    records = [{'id': 'b2', 'state': 'failed', 'error': {'type': 'ValueError', 'message': 'NaN'}}]
    content = analyze(validate(frame), plan, records)
    assert content['order']['methods'] == ['b', 'a', 'c']
    assert (content['methods']['b']['n_seeds'], content['methods']['b']['n_seeds_planned']) == (2, 3)
    assert content['methods']['c']['endpoints'] == {}
    assert (content['runs']['done'], content['runs']['failed'], content['runs']['missing']) == (5, 1, 0)
    assert content['runs']['items'][5]['message'] == 'ValueError: NaN'
    assert any('1 of 6 runs failed: b2' in note for note in content['notes'])
    check_schema(content)


def test_images_that_a_run_lacks_are_left_out_and_named():
    frame = results(np.random.default_rng(0))
    lacking = (
        (frame['method'] == 'a')
        & (frame['seed'] == 1)
        & (frame['image'] == 'i3')
        & (frame['landmark'] == 'k1')
    )
    content = analyze(validate(frame[~lacking]))
    block = content['conditions']['all']
    assert block['dropped_images'] == ['i3'] and block['n_images'] == 5
    assert block['methods']['b']['endpoints']['ME']['n_images'] == 5
    assert any('i3' in note for note in content['notes'])


def test_no_common_image_is_refused():
    frame = results(np.random.default_rng(0), seeds=1)
    frame.loc[frame['method'] == 'b', 'image'] += 'x'
    with pytest.raises(TableError, match='no image'):
        analyze(validate(frame))


def test_copies_of_a_seed_are_noted():
    frame = results(np.random.default_rng(0), methods=('a',), seeds=1)
    content = analyze(validate(pd.concat([frame, frame.assign(seed=7)])))
    assert any('seeds 0 and 7 have identical results' in note for note in content['notes'])


def test_learning_curve_goes_by_value():
    frame = results(np.random.default_rng(0), conditions=('all', 'few'))
    plan = {'conditions': [{'name': 'all', 'value': 59}, {'name': 'few', 'value': 5}]}
    content = analyze(validate(frame), plan)
    assert content['main_condition'] == 'all' and content['learning_curve']['x'] == [5, 59]
    few = content['conditions']['few']['methods']['a']['endpoints']['ME']['mean']
    assert content['learning_curve']['methods']['a']['mean'][0] == few
    check_schema(content)


def test_ranking_states_the_difference_to_the_reference():
    frame = results(np.random.default_rng(3))
    content = analyze(validate(frame), {'analysis': {'reference': 'a'}})
    means = {m: content['methods'][m]['endpoints']['ME']['mean'] for m in 'ab'}
    assert content['ranking']['first'] == min(means, key=means.get)
    assert content['ranking']['difference'] == min(means.values()) - means['a']


@pytest.mark.parametrize('threshold', [0, -1, float('nan'), True])
def test_bad_thresholds_are_refused(threshold):
    with pytest.raises(TableError, match='threshold'):
        analyze(validate(results(np.random.default_rng(0))), threshold=threshold)


def test_nan_becomes_null_and_nothing_is_left_behind(tmp_path):
    path = write_analysis(tmp_path / 'x.json', {
        'b': float('nan'), 'a': np.float64(1.5), 'c': [1, 2, None], 'd': 'text [\n 1\n ]', 'e': [], 'f': [['x'], {}]})
    assert path.read_text() == (
        '{\n "a": 1.5,\n "b": null,\n "c": [1, 2, null],\n "d": "text [\\n 1\\n ]",\n "e": [],\n'
        ' "f": [\n  [\n   "x"\n  ],\n  {}\n ]\n}\n')
    assert [entry.name for entry in tmp_path.iterdir()] == ['x.json']


def test_command_writes_and_refuses(tmp_path, capsys):
    command = tool('analyze')
    results(np.random.default_rng(0)).to_csv(tmp_path / 'r.csv', index=False)
    assert command.main([str(tmp_path / 'r.csv'), '--out', str(tmp_path / 'out'), '--threshold', '0.9']) == 0
    content = json.loads((tmp_path / 'out/analysis.json').read_text())
    assert content['threshold'] == 0.9
    assert content['methods'] == analyze(read_table(tmp_path / 'r.csv'), threshold=0.9)['methods']
    assert command.main([str(tmp_path / 'none.csv')]) == 2
    error = capsys.readouterr().err
    lines = [line for line in error.splitlines() if not line.startswith('note: ')]
    assert len(lines) == 1 and lines[0].startswith('error: ')


def test_what_the_package_names_it_has():
    import benchmark.statistics as package
    assert set(package.__all__) == set(package._HOME) <= set(dir(package))
    assert all(getattr(package, name).__name__ == name for name in package.__all__ if name.islower())
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        package.nothing  # noqa: B018


def test_statistics_and_reports_import_neither_torch_nor_mm():
    code = 'import sys, reports; from benchmark.statistics import *; print(*sys.modules)'
    done = subprocess.run([sys.executable, '-c', code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = {name.split('.')[0] for name in done.stdout.split()}
    assert {'benchmark', 'reports', 'pandas'} <= loaded
    assert not loaded & {'torch', 'mmengine', 'mmcv', 'mmpose'}
    for path in [*(ROOT / 'benchmark/statistics').glob('*.py'), *(ROOT / 'reports').rglob('*.py')]:
        lines = [
            line.split()
            for line in path.read_text().splitlines()
            if line.lstrip().startswith(('import ', 'from '))
        ]
        assert not any(words[1].startswith(('torch', 'mm')) for words in lines), path
