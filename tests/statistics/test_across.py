"""Several data sets from table to datasets.json: what is said, what must not change it, and bad input."""

import json
import shutil

import jsonschema
import numpy as np
import pandas as pd
import pytest

from benchmark.commands.analyze import main
from benchmark.statistics import TableError
from benchmark.statistics.across import SCHEMA
from benchmark.statistics.across.effects import (
    over_fixed,
    over_random,
)
from benchmark.statistics.across.tables import common_methods, folders
from benchmark.statistics.across.wording import answer, statement
from benchmark.statistics.estimates import Estimate


def test_names_of_folders_are_safe_and_differ():
    names = ['a/b', 'a b', 'A_B', '..', 'report', 'Röntgen 1']
    found = folders(names)
    assert [*found] == names and len({one.lower() for one in found.values()}) == len(names)
    assert not any(set('/ ') & set(one) or one in ('report', '', '..') for one in found.values())


def table(data_sets=6, methods=('ours', 'ft', 'hg'), seeds=2, images=12, tau=0.02, seed=0):
    """Errors of methods of which the first is better by about .1."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(data_sets):
        image, gain = rng.normal(0, 0.1, images), -0.1 + rng.normal(0, tau)
        for place, method in enumerate(methods):
            own = 1 + image + rng.normal(0, 0.03, images) + (gain if place == 0 else 0.01 * place)
            for s in range(seeds):
                errors = own + rng.normal(0, 0.01) + rng.normal(0, 0.03, images)
                rows += [(f'set {number}', method, s, f'i{i}', round(float(e), 6)) for i, e in enumerate(errors)]
    return pd.DataFrame(rows, columns=['dataset', 'method', 'seed', 'image', 'error'])


def analysed(frame, path, *options, code=0):
    path.mkdir(exist_ok=True)
    frame.to_csv(path / 'table.csv', index=False)
    assert main([str(path / 'table.csv'), '--out', str(path), '--draws', '200', *options]) == code
    return json.loads((path / 'datasets.json').read_text()) if code == 0 else None


def refused(frame, path, capsys, *options):
    """The one line that a refusal is."""
    analysed(frame, path, *options, code=2)
    line, = capsys.readouterr().err.splitlines()
    return line


def test_many_data_sets_are_a_sample(tmp_path, capsys):
    found = analysed(table(), tmp_path, '--proposed', 'ours', '--margin', 'ME=0.03')
    assert capsys.readouterr().out == f'{tmp_path}/datasets.json\n'
    jsonschema.validate(found, json.loads(SCHEMA.read_text()))
    assert found['kind'] == 'random'
    one = next(one for one in found['contrasts'] if (one['endpoint'], one['b']) == ('ME', 'ft'))
    assert one['verdict'] == 'superior and relevant' and one['df'] == 5
    # From the data sets' own analyses.
    d, v = [], []
    for about in found['data_sets']:
        analysis = json.loads((tmp_path / about['folder'] / 'analysis.json').read_text())
        own = next(row for row in analysis['contrasts'] if (row['family'], row['endpoint'], row['scope'], row['b'])
                   == ('planned', 'ME', 'procedure', 'ft'))
        d, v = [*d, own['estimate']], [*v, own['se']**2]
        cell = one['data_sets'][about['name']]
        assert [cell[key] for key in ('estimate', 'ci_low', 'verdict')] == [
            own[key] for key in ('estimate', 'ci_low', 'verdict')]
        assert (tmp_path / about['folder'] / 'elsewhere/long.csv').is_file() and analysis['title'].startswith('set ')
    expected = over_random(np.array(d), np.array(v))
    assert [one[key] for key in ('estimate', 'se', 'p')] == pytest.approx(
        [*map(float, (expected.estimate, expected.se, expected.p))])
    assert one['prediction_low'] < one['ci_low'] < one['ci_high'] < one['prediction_high']
    assert sum(cell['weight'] for cell in one['data_sets'].values()) == pytest.approx(1)
    rest = over_random(np.array(d[1:]), np.array(v[1:]))
    assert one['without']['set 0']['estimate'] == pytest.approx(rest.estimate)
    text = next(row for row in found['statements'] if (row['endpoint'], row['b']) == ('ME', 'ft'))
    assert text['headline'] == ('On data sets like these 6, on average ours is better than ft, by more than the margin '
                                'of 0.030 units of the error.')
    assert answer(dict(one, prediction_low=-1, prediction_high=1), found).endswith(
        'error; in a new one it may be the other way round.')
    assert 'better mean in 6 of 6 data sets' in text['text'] and 'prediction interval' in text['text']
    for better, worse, part in (((6, 1), (0, 0), 'in 6 of 6 data sets (1 of these was found by the data set alone). '),
                                ((2, 0), (4, 3), 'in 2 of 6 data sets (none of these was found by the data set alone) '
                                                 'and the worse one in 4 (3 found). '),
                                ((0, 0), (6, 0), 'in 0 of 6 data sets and the worse one in 6 (none found by the data '
                                                 'set alone). ')):
        counts = dict(better=better[0], found_better=better[1], worse=worse[0], found_worse=worse[1])
        assert part in statement(dict(one, counts=counts), found)
    holm = sorted(row['p'] for row in found['contrasts'] if row['endpoint'] == 'ME')
    assert sorted(row['p_adjusted'] for row in found['contrasts'] if row['endpoint'] == 'ME')[0] == pytest.approx(
        2 * holm[0])


@pytest.fixture(scope='module')
def few(tmp_path_factory):
    return analysed(table(3, ('ours', 'ft')), tmp_path_factory.mktemp('few'), '--proposed', 'ours', '--margin',
                    'ME=0.03')


def test_few_data_sets_stand_for_themselves(tmp_path):
    found = analysed(table(3), tmp_path, '--reference', 'ft')
    one = found['contrasts'][0]
    assert found['kind'] == 'fixed' and one['prediction_low'] is None
    cells = [*one['data_sets'].values()]
    assert one['estimate'] == pytest.approx(np.mean([cell['estimate'] for cell in cells]))
    assert one['se']**2 == pytest.approx(sum(cell['se']**2 for cell in cells) / 9)
    assert found['statements'][0]['headline'].startswith('On these 3 data sets')
    assert 'too few to speak of others' in found['statements'][0]['text']


def test_what_hangs_on_one_data_set_is_said(tmp_path):
    """Of three data sets the second alone speaks clearly for ours, so that without it nothing is found."""
    frame = table(3, seeds=1, tau=0.0)
    weak = (frame['dataset'] != 'set 1') & (frame['method'] == 'ours')
    frame.loc[weak, 'error'] += 0.1 + 0.04 * frame.loc[weak, 'image'].str[1:].astype(int).map({0: 5, 1: -6}).fillna(0)
    found = analysed(frame, tmp_path, '--proposed', 'ours')
    one, told = found['contrasts'][0], found['statements'][0]['text']
    assert one['verdict'] == 'superior' and 'Without set 1 it would not be found.' in told
    assert {name: rest['verdict'] for name, rest in one['without'].items()} == {
        'set 0': 'superior', 'set 1': 'inconclusive', 'set 2': 'superior'}
    # p-values without a data set are adjusted as those of all are.
    cells = [row['data_sets'] for row in found['contrasts'] if row['endpoint'] == one['endpoint']]
    p = sorted(float(over_fixed([Estimate(*(np.float64(own[name][key]) for key in ('estimate', 'se', 'df')))
                                 for name in ('set 0', 'set 1')]).p) for own in cells)
    rest = sorted(row['without']['set 2']['p_adjusted'] for row in found['contrasts']
                  if row['endpoint'] == one['endpoint'])
    assert rest == pytest.approx([2 * p[0], max(2 * p[0], p[1])])


@pytest.mark.parametrize(('verdict', 'relevance', 'rests', 'said'), [
    ('superior', 'unclear', ['superior', 'superior and relevant', 'superior'], ''),
    ('superior', 'unclear', ['inferior', 'non-inferior', 'inconclusive'], 'Without any one of them it would not be'),
    ('superior and relevant', 'beyond', ['superior and relevant', 'superior', 'inconclusive'],
     'Without set 2 it would not be found. Without set 1 it would be found, but not by more than the margin.'),
    ('non-inferior', 'unclear', ['superior', 'equivalent', 'inconclusive'], 'Without set 2 it would not be found.'),
    ('inconclusive', 'unclear', ['superior', 'inferior', 'inconclusive'], '')])
def test_what_is_said_without_each_data_set(few, verdict, relevance, rests, said):
    relevant = {'superior and relevant': 'beyond', 'equivalent': 'within'}
    without = {f'set {n}': dict(few['contrasts'][0]['without'][f'set {n}'], verdict=rest,
                                relevance=relevant.get(rest, 'unclear')) for n, rest in enumerate(rests)}
    text = statement(dict(few['contrasts'][0], verdict=verdict, relevance=relevance, without=without), few)
    assert said in text and text.count('Without ') == said.count('Without ')


def test_a_negated_table_says_the_same(tmp_path):
    frame = table(5, ('ours', 'ft'))
    errors = frame.rename(columns={'error': 'loss'})
    gains = frame.assign(gain=-frame['error']).drop(columns='error')
    less = analysed(errors, tmp_path / 'less', '--proposed', 'ours', '--score', 'loss', '--margin', 'loss=.03')
    more = analysed(gains, tmp_path / 'more', '--proposed', 'ours', '--higher-is-better', 'gain', '--margin',
                    'gain=.03')
    for one, other in zip(less['contrasts'], more['contrasts'], strict=True):
        assert one['estimate'] == -other['estimate']
        assert one['prediction_low'] == pytest.approx(-other['prediction_high'])
        for key in ('se', 'p', 'p_adjusted', 'verdict', 'relevance', 'heterogeneity', 'counts'):
            assert one[key] == other[key]
    assert less['ranking']['methods'] == more['ranking']['methods']
    assert less['ranking']['kendall_w'] == more['ranking']['kendall_w']


def test_the_order_of_rows_changes_no_number(tmp_path):
    frame = table(3, ('ours', 'ft'))
    whole, mixed = (analysed(one, tmp_path / name, '--proposed', 'ours') for name, one in (
        ('whole', frame), ('mixed', pd.concat([frame[:1], frame[1:].sample(frac=1, random_state=0)]))))
    assert sorted(one['name'] for one in mixed['data_sets']) == [one['name'] for one in whole['data_sets']]
    for one, other in zip(whole['contrasts'], mixed['contrasts'], strict=True):
        assert one['estimate'] == pytest.approx(other['estimate']) and one['p'] == pytest.approx(other['p'])


def test_one_name_is_one_data_set(tmp_path, capsys):
    frame = table(1)
    frame.to_csv(tmp_path / 'table.csv', index=False)
    assert main([str(tmp_path / 'table.csv'), '--out', str(tmp_path), '--proposed', 'ours', '--draws', '200']) == 0
    assert (tmp_path / 'analysis.json').is_file() and not (tmp_path / 'datasets.json').exists()
    assert main([str(tmp_path / 'table.csv'), '--combine', 'ratio']) == 2
    assert 'several data sets (names in a column dataset' in capsys.readouterr().err


def test_other_names_of_columns_and_a_column_per_method(tmp_path):
    frame = table(3, seeds=1).drop(columns='seed').rename(columns={'dataset': 'cohort'})
    wide = frame.pivot(index=['cohort', 'image'], columns='method', values='error').reset_index()
    found = analysed(wide, tmp_path, '--wide', '--columns', 'dataset=cohort', '--proposed', 'ours')
    assert [one['name'] for one in found['data_sets']] == ['set 0', 'set 1', 'set 2']
    assert {one['scope'] for one in found['contrasts']} == {'networks'}
    assert found['statements'][0]['headline'].startswith('On these 3 data sets and for these trained models, ')
    assert 'Each method has a single run in each data set, so that this is about these trained models' in (
        found['statements'][0]['text'])
    assert found['ranking']['drawn'] == ['images']


@pytest.mark.parametrize(('verdict', 'relevance', 'ends'), [
    ('superior', 'unclear', 'ours is better than ft, but whether by more than the margin of 0.030 units of the error '
                            'is open.'),
    ('inferior', 'within', 'ours is worse than ft, but by less than the margin of 0.030 units of the error.'),
    ('superior and relevant', 'beyond', 'better than ft, by more than the margin of 0.030 units of the error.'),
    ('inconclusive', 'unclear', 'it is not settled which of ours and ft is better.')])
def test_a_headline_says_what_is_known_of_the_margin(few, verdict, relevance, ends):
    one = dict(few['contrasts'][0], verdict=verdict, relevance=relevance)
    assert answer(one, few).endswith(ends)
    for ends, told in ((None, "(tau) can't be estimated"), (0.123, '(tau) of up to 0.123 units of the error is')):
        spread = one['heterogeneity'] | dict(tau=0.0, tau_low=ends and 0.0, tau_high=ends)
        assert told in statement(one | dict(heterogeneity=spread), few)
    assert ('It is open whether the difference reaches the declared margin' in statement(one, few)) == (
        relevance == 'unclear')


def test_images_that_are_numbered_within_clinics(tmp_path, capsys):
    frame = table(3).rename(columns={'image': 'case'})
    number = frame.groupby('case').ngroup()
    numbered = frame.assign(clinic=np.where(number % 2, 'Lyon', 'Dijon'), case=number // 2)
    line = refused(numbered, tmp_path, capsys, '--columns', 'image=case')
    assert 'data set set 0: ' in line and '--columns image=clinic+case' in line
    assert 'dataset=clinic' not in line  # there is a column dataset, so that would be refused
    found = analysed(numbered, tmp_path, '--columns', 'image=clinic+case', '--proposed', 'ours')
    plain = analysed(frame, tmp_path, '--columns', 'image=case', '--proposed', 'ours')
    assert [one['images'] for one in found['data_sets']] == [one['images'] for one in plain['data_sets']]
    assert [one['estimate'] for one in found['contrasts']] == pytest.approx(
        [one['estimate'] for one in plain['contrasts']])
    analysed(numbered, tmp_path, '--columns', 'image=clinic+case', '--groups', 'clinic')
    strata = json.loads((tmp_path / 'set_0/analysis.json').read_text())['subgroups']
    assert 'clinic' in str(strata) and 'Lyon' in str(strata)


def test_ratios_where_units_differ(tmp_path):
    frame = table(5, ('ours', 'ft'))
    units = frame['dataset'].str[-1].astype(int)
    scaled = frame.assign(error=frame['error'] * 2.0**units)
    plain, other = (analysed(one, tmp_path / name, '--proposed', 'ours', '--combine', 'ratio', '--relative-margin',
                             'ME=0.03') for name, one in (('plain', frame), ('scaled', scaled)))
    one, same = plain['contrasts'][0], other['contrasts'][0]
    assert one['estimate'] == pytest.approx(-0.1, abs=0.02) and one['verdict'] == 'superior and relevant'
    for key in ('estimate', 'se', 'ci_low', 'ci_high', 'prediction_low', 'p'):
        assert one[key] == pytest.approx(same[key], rel=1e-6)
    assert ' % lower on average' in plain['statements'][0]['text']
    proposed = analysed(scaled, tmp_path / 'difference', '--proposed', 'ours')
    assert any('--combine ratio' in note for note in proposed['notes'])
    assert not any('--combine ratio' in note for note in other['notes'])


def test_ranks_over_data_sets_by_hand(tmp_path, capsys):
    means = {'a': (1.0, 2.0, 3.0), 'b': (2.0, 1.0, 3.0), 'c': (3.0, 4.0, 4.0)}
    rows = [(f'set {k}', method, s, f'i{i}', value[k] + (-1)**i * 0.25)
            for method, value in means.items() for k in range(3) for s in (0, 1) for i in range(4)]
    found = analysed(pd.DataFrame(rows, columns=['dataset', 'method', 'seed', 'image', 'error']), tmp_path)
    ranking = found['ranking']
    assert ranking['data_sets']['set 2']['ranks'] == {'a': 1.5, 'b': 1.5, 'c': 3.0}
    assert {name: one['mean_rank'] for name, one in ranking['methods'].items()} == {'a': 1.5, 'b': 1.5, 'c': 3.0}
    assert ranking['methods']['a']['rank'] == 1.5 and ranking['order'][-1] == 'c'
    # Kendall's W with ties: 12 S / (m^2 (n^3 - n) - m T); sums of ranks 4.5, 4.5, 9; T = 6, of one tied pair.
    assert ranking['kendall_w'] == pytest.approx(12 * 13.5 / (9 * 24 - 3 * 6))
    assert found['contrasts'] == [] and found['left_out'] == {}
    assert 'add --proposed NAME' in capsys.readouterr().err


def test_what_can_not_be_meant_is_one_line(tmp_path, capsys):
    frame = table(3)
    lost = frame[(frame['dataset'] != 'set 1') | (frame['method'] != 'hg')]
    line = refused(lost, tmp_path, capsys, '--proposed', 'ours')
    assert 'hg is not in set 1.' in line and '--common-methods' in line and "--datasets 'set 0' 'set 2')" in line
    found = analysed(lost, tmp_path, '--proposed', 'ours', '--common-methods')
    assert found['order']['methods'] == ['ft', 'ours'] and 'hg (not in set 1)' in ' '.join(found['notes'])
    assert found['left_out'] == {'hg': ['set 1']}
    shutil.rmtree(tmp_path)
    capsys.readouterr()
    copied = pd.concat([frame, frame[frame['dataset'] == 'set 0'].assign(dataset='again')])
    assert 'data set again: all its 72 rows are those of set 0' in refused(copied, tmp_path, capsys)
    apart = frame.assign(method=np.where(frame['dataset'] == 'set 0', frame['method'] + ' 2', frame['method']))
    line = refused(apart, tmp_path, capsys)
    assert 'ft 2, hg 2, ours 2 are only in set 0; ft, hg, ours are not in set 0.' in line
    assert '--datasets NAME' in refused(apart, tmp_path, capsys, '--common-methods')
    empty = frame.assign(dataset=frame['dataset'].where(frame.index > 0, ''))
    assert 'field dataset: empty in data row 1' in refused(empty, tmp_path, capsys)
    wrong = frame.assign(error=frame['error'].where(frame.index != 100, -1.0))
    assert 'data set set 1: field error: negative' in refused(wrong, tmp_path, capsys)
    one = frame[(frame['dataset'] != 'set 2') | (frame['image'] == 'i0')]
    assert 'data set set 2: condition all: one image only' in refused(one, tmp_path, capsys)
    assert '--relative-margin: is for relative' in refused(frame, tmp_path, capsys, '--relative-margin', 'ME=0.1')
    assert '--relative-margin: no endpoint NME' in refused(frame, tmp_path, capsys, '--combine', 'ratio',
                                                           '--relative-margin', 'NME=0.1')
    assert 'has looks' in refused(frame, tmp_path, capsys, '--proposed', 'ours', '--sequential', 'max_seeds=5')
    negative = frame.assign(gain=0.9 - frame['error']).drop(columns='error')
    line = refused(negative, tmp_path, capsys, '--higher-is-better', 'gain', '--proposed', 'ours', '--combine', 'ratio')
    assert 'is not above 0' in line and 'leave --combine ratio out' in line


def test_who_lacks_which_methods():
    methods = {'s0': 'abcdefgh', 's1': 'ab', 's2': 'abc', 's3': 'abch'}
    with pytest.raises(TableError, match=r"c is not in s1; d, e, f, g are only in s0; h is only in s0, s3\. "):
        common_methods(methods, False, [])
    many = {f's{n}': [f'm{k}' for k in range(12) if k % 7 != n] for n in range(9)}
    with pytest.raises(TableError, match=r'm1, m8 are not in s1; .*; and 2 more such groups\. .*--datasets s7 s8\)'):
        common_methods(many, False, [])


def test_data_sets_are_chosen_by_name_and_order(tmp_path, capsys):
    frame = table(4)
    found = analysed(frame, tmp_path / 'some', '--datasets', 'set 2', 'set 0', '--proposed', 'ours')
    assert [one['name'] for one in found['data_sets']] == ['set 2', 'set 0']
    same = analysed(frame[frame['dataset'].isin(['set 0', 'set 2'])], tmp_path / 'same', '--proposed', 'ours')
    assert found['contrasts'][0]['estimate'] == pytest.approx(same['contrasts'][0]['estimate'])
    # One alone is analysed as if no other were there; what is wrong with the others is no matter.
    wrong = frame.assign(error=frame['error'].where(frame['dataset'] != 'set 3', -1.0))
    wrong.to_csv(tmp_path / 'table.csv', index=False)
    alone = [str(tmp_path / 'table.csv'), '--out', str(tmp_path / 'one'), '--draws', '100', '--datasets']
    assert main([*alone, 'set 1']) == 0 and (tmp_path / 'one/analysis.json').is_file()
    capsys.readouterr()
    assert main([*alone, 'set 9']) == 2
    assert 'no data set set 9; there are set 0, set 1, set 2, set 3' in capsys.readouterr().err
    frame[frame['dataset'] == 'set 0'].to_csv(tmp_path / 'table.csv', index=False)
    assert main([*alone, 'set 1']) == 2 and 'no data set set 1; there are set 0' in capsys.readouterr().err
    assert main([*alone, 'set 0']) == 0
    capsys.readouterr()
    frame.rename(columns={'dataset': 'cohort'}).to_csv(tmp_path / 'table.csv', index=False)
    assert main([*alone, 'set 1', '--ignore', 'cohort']) == 2
    assert 'has no column dataset' in capsys.readouterr().err
