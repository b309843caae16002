"""Whole analyses of awkward tables, against numbers computed by hand."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from handmade import VALIDATOR, analyzed, frame, gamma, numbers, numbers_of, planned, row, same
from scipy import stats

from benchmark.statistics import (
    TableError,
    auc_scores,
    crossed_contrast,
    crossed_mean,
    failures,
    fixed_seeds_contrast,
    fixed_seeds_mean,
    holm,
    signed_rank,
)

ROOT = Path(__file__).resolve().parents[2]


def test_one_seed_is_judged_for_the_networks_only():
    a, b = gamma(1, 1), gamma(2, 1, shift=0.3)
    content = analyzed({'a': a, 'b': b}, proposed='a', threshold=1.0)
    procedure, networks = (planned(content, scope=scope)['a', 'b'] for scope in ('procedure', 'networks'))
    assert procedure['verdict'] == 'not estimable' and procedure['reason'].startswith('one seed only')
    assert {procedure[key] for key in ('se', 'df', 't', 'p', 'p_adjusted', 'ci_low', 'p_false_claim')} == {None}
    same(procedure['estimate'], a.mean() - b.mean())
    expected = stats.ttest_rel(a[0], b[0])
    same([networks['t'], networks['p'], networks['df']], [expected.statistic, expected.pvalue, 19])
    block = content['methods']['a']['endpoints']['ME']
    assert block['seed_sd'] is None and block['ci_scope'] == 'networks'
    same([block['ci_low'], block['ci_high']], [*stats.ttest_1samp(a[0], 0).confidence_interval()])
    assert content['planning'] == []
    assert content['variance_components']['ME']['overall'] == dict.fromkeys(
        ('image', 'method_by_image', 'seed', 'residual'))
    assert set(content['ranking']['drawn']) == {'images'}
    headline = content['sensitivity'][0]['headlines']['ME']
    assert headline['scope'] == 'networks' and headline['reading'] == 'a better'
    assert row(content, 'Welch t on seed means')['reason'] == 'needs two seeds of each method'
    assert row(content, 'leave one seed out')['reason'] == 'needs three seeds of each method'
    assert 'p is at least 1' in row(content, 'Wilcoxon on seed means')['reason']


def test_subjects_take_the_place_of_images():
    subjects = ['p', 'q', 'p', 'r', 'r', 'r', 's', 'q', 't', 'p', 'u', 'u']
    errors = {'a': gamma(1, 3, 12), 'b': gamma(2, 3, 12, 0.2)}
    content = analyzed(frame(errors, subject=subjects), proposed='a', threshold=1.0)
    names = sorted(set(subjects))
    share = np.array([[subject == name for subject in subjects] for name in names], float)
    share /= share.sum(axis=1, keepdims=True)

    def by_subject(score):
        return {name: score(values) @ share.T for name, values in errors.items()}

    scores = {'ME': lambda e: e, 'FR': lambda e: failures(e, 1.0), 'AUC': lambda e: auc_scores(e, 1.0)}
    for endpoint, score in scores.items():
        own = by_subject(score)
        one = planned(content, endpoint)['a', 'b']
        same(numbers_of(one), numbers(crossed_contrast(own['a'], own['b'])))
        assert one['n_units'] == 6
        same(numbers_of(planned(content, endpoint, 'networks')['a', 'b']),
             numbers(fixed_seeds_contrast(own['a'], own['b'])))
        block = content['methods']['a']['endpoints'][endpoint]
        ends = np.clip(crossed_mean(own['a']).interval(), 0, math.inf if endpoint == 'ME' else 1)
        same([block['mean'], block['ci_low'], block['ci_high']], [own['a'].mean(), *ends])
        assert (block['n_images'], block['n_units']) == (12, 6)
    # As if the subjects' averages had been the table.
    averaged = analyzed(by_subject(lambda e: e), proposed='a', threshold=1.0)
    same(numbers_of(planned(content)['a', 'b']), numbers_of(planned(averaged)['a', 'b']))
    effect, other = content['effects'][0], averaged['effects'][0]
    assert effect['wilcoxon'] == pytest.approx(other['wilcoxon'], rel=1e-9)
    assert content['ranking']['friedman']['n_units'] == content['counts']['units'] == 6
    assert content['unit_of_analysis'] == 'subject' and content['counts']['images'] == 12
    assert any('12 images of 6 subjects' in note and 'averaged per subject' in note for note in content['notes'])
    assert row(content, 'exact McNemar per seed')['reason'] == 'images of a subject are not independent'
    assert '6 subjects' in content['statements'][0]['text']


def test_a_subject_per_image_changes_nothing():
    errors = {'a': gamma(1, 2, 8), 'b': gamma(2, 2, 8)}
    with_subjects = analyzed(frame(errors, subject=[f's{image}' for image in range(8)]), proposed='a')
    assert with_subjects == analyzed(errors, proposed='a')


def test_an_image_of_two_subjects_is_refused():
    table = frame({'a': gamma(1, 2, 4)}, subject=['p', 'p', 'q', 'q'])
    table.loc[0, 'subject'] = 'q'
    with pytest.raises(TableError, match='field subject: more than one subject for image i000'):
        analyzed(table)


def test_ties_share_ranks_and_are_named():
    errors = {'b': np.array([[1.0, 2.0, 3.0]]), 'a': np.array([[3.0, 1.0, 2.0]]), 'c': np.array([[3.0, 3.0, 4.0]])}
    content = analyzed(errors, reference='c')
    assert content['ranking']['ranks'] == {'a': 1.5, 'b': 1.5, 'c': 3}
    assert content['ranking']['ties'] == [['a', 'b']] and content['ranking']['order'] == ['a', 'b', 'c']
    mean_ranks = content['ranking']['friedman']['mean_ranks']
    assert mean_ranks == pytest.approx({'a': (2.5 + 1 + 1) / 3, 'b': (1 + 2 + 2) / 3, 'c': (2.5 + 3 + 3) / 3})
    better = {(one['a'], one['b']): one['p_better'] for one in content['effects'] if one['endpoint'] == 'ME'}
    same(better['a', 'c']['estimate'], (0.5 + 1 + 1) / 3)
    assert (better['b', 'c']['estimate'], better['b', 'c']['ci_low']) == (1, 1)


def test_predictions_that_do_not_depend_on_the_image_are_noted():
    rng = np.random.default_rng(0)
    errors = {name: rng.uniform(0.5, 1.5, (2, 6)) for name in 'ab'}
    table = frame(errors, x=[10.0] * 6, y=[20.0] * 6)
    table.loc[(table['method'] == 'b') & (table['seed'] == 1), 'x'] += np.arange(6)
    table.loc[table['method'] == 'a', 'y'] += np.arange(12)
    found = [note for note in analyzed(table, proposed='a')['notes'] if 'do not depend on the image' in note]
    assert len(found) == 1 and found[0].startswith('b: the predictions do not depend on the image (seed 0);')


def test_copies_of_a_seed_are_noted_for_their_method_only():
    errors = {'a': gamma(1), 'b': gamma(2)}
    errors['b'][2] = errors['b'][0]
    content = analyzed(frame(errors, seeds={'b': [4, 5, 6]}), proposed='a')
    found = [note for note in content['notes'] if 'identical results' in note]
    assert len(found) == 1 and found[0].startswith('b, all: seeds 4 and 6 have identical results')
    errors['b'][2, 0] = np.nextafter(errors['b'][2, 0], 9)
    assert not any('identical' in note for note in analyzed(errors, proposed='a')['notes'])


def test_one_method_alone_is_described():
    values = gamma(1)
    content = analyzed({'only': values}, proposed='only')
    block = content['methods']['only']['endpoints']['ME']
    same([block['mean'], block['seed_sd'], block['image_sd'], block['ci_low'], block['ci_high']],
         [values.mean(), values.mean(axis=1).std(ddof=1), values.mean(axis=0).std(ddof=1),
          *map(float, crossed_mean(values).interval())])
    same(block['per_seed'], values.mean(axis=1))
    assert all(content[key] == [] for key in ('contrasts', 'statements', 'effects', 'planning', 'sensitivity'))
    ranking = content['ranking']
    assert (ranking['order'], ranking['schemes'], ranking['friedman']) == (['only'], {}, None)
    assert ranking['drawn']['images']['methods']['only']['p_best'] == 1
    assert content['variance_components']['ME']['overall']['method_by_image'] is None


def test_two_methods_have_one_contrast_in_both_families():
    errors = {'a': gamma(1), 'b': gamma(2, shift=0.3)}
    content = analyzed(errors, proposed='a', margin={'ME': 0.01})
    for scope, estimate in (('procedure', crossed_contrast), ('networks', fixed_seeds_contrast)):
        first, second = (planned(content, scope=scope, family=family) for family in ('planned', 'all pairs'))
        assert [*first] == [*second] == [('a', 'b')]
        one, other = first['a', 'b'], second['a', 'b']
        assert {**one, 'family': 'all pairs'} == other
        same(numbers_of(one), numbers(estimate(errors['a'], errors['b'])))
        # A family of one test needs no adjustment.
        assert one['p_adjusted'] == one['p'] and one['ci_low_simultaneous'] == one['ci_low']
        same(one['p_false_claim'], one['p'] / 2)
    difference = (errors['a'] - errors['b']).mean(axis=0)
    effect = content['effects'][0]
    test = signed_rank(difference)
    same([effect['difference'], effect['percent'], effect['d_z']],
         [difference.mean(), 100 * difference.mean() / errors['b'].mean(), difference.mean() / difference.std(ddof=1)])
    same([effect['wilcoxon'][key] for key in ('p', 'p_adjusted', 'rank_biserial', 'pseudomedian', 'ci_low', 'ci_high')],
         [test.p, test.p, test.rank_biserial, test.pseudomedian, test.low, test.high])
    wins = np.mean([first < second for first, second in (
        (errors['a'][s, i], errors['b'][t, i]) for s in range(3) for t in range(3) for i in range(20))])
    same(effect['p_better']['estimate'], wins)
    assert effect['p_better']['ci_low'] <= wins <= effect['p_better']['ci_high']


@pytest.mark.slow
def test_sixty_methods():
    names = [f'm{k:02}' for k in range(60)]
    errors = {name: gamma(k, 2, 8, 0.02 * k) for k, name in enumerate(names)}
    content = analyzed(errors, proposed='m00', threshold=50.0, every=50)
    assert len(planned(content)) == 59 and len(planned(content, family='all pairs')) == 60 * 59 // 2
    means = {name: values.mean() for name, values in errors.items()}
    assert content['ranking']['order'] == sorted(names, key=means.get)
    assert [content['ranking']['ranks'][name] for name in content['ranking']['order']] == [*range(1, 61)]
    raw = [float(crossed_contrast(errors['m00'], errors[name]).p) for name in names[1:]]
    same([planned(content)['m00', name]['p_adjusted'] for name in names[1:]], holm(raw))
    one = planned(content)['m00', 'm59']
    wide = crossed_contrast(errors['m00'], errors['m59']).interval(1 - 0.05 / 59)
    same([one['ci_low_simultaneous'], one['ci_high_simultaneous']], [*map(float, wide)])
    for block in content['ranking']['drawn'].values():
        assert sum(method['p_best'] for method in block['methods'].values()) == pytest.approx(1)
        for method in block['methods'].values():
            assert sum(share for _, share in method['distribution']) == pytest.approx(1)
            assert 1 <= method['rank_low'] <= method['median'] <= method['rank_high'] <= 60


def test_without_a_proposed_method_each_other_one_is_set_against_the_reference():
    errors = {name: gamma(k) for k, name in enumerate('abc')}
    assert [*planned(analyzed(errors, reference='b'))] == [('a', 'b'), ('c', 'b')]
    assert [*planned(analyzed(errors, proposed='b', reference='c'))] == [('b', 'a'), ('b', 'c')]
    neither = analyzed(errors)
    pairs = planned(neither, family='all pairs')
    assert planned(neither) == {} and [*pairs] == [('a', 'b'), ('a', 'c'), ('b', 'c')]
    same([one['p_adjusted'] for one in pairs.values()],
         holm([float(crossed_contrast(errors[a], errors[b]).p) for a, b in pairs]))


@pytest.mark.parametrize(('options', 'message'), [
    ({'proposed': 'x'}, 'proposed: no method x in the results; there are a, b'),
    ({'reference': 'x'}, 'reference: no method x in the results; there are a, b'),
    ({'proposed': 'a', 'reference': 'a'}, 'reference: a is the proposed method too'),
    ({'margin': {'EM': 0.1}}, "margin: unknown endpoint 'EM'"),
    ({'margin': {'NME': 0.1}}, 'margin: the table has no NME; there are ME, FR, AUC'),
    ({'margin': {'ME': -0.1}}, 'margin of ME: -0.1 is not a number above 0'),
    ({'margin': 0.1}, 'margin: 0.1 is not a mapping'),
    ({'groups': ['sex']}, 'groups: no column sex in the table; columns of groups are group_age'),
    ({'design': 'crossed'}, "design: 'crossed' is not one of nested, paired"),
    ({'alpha': 0.5}, 'alpha: 0.5 is not below 0.5'),
    ({'draws': 99}, 'draws: 99 is not a whole number of at least 100'),
    ({'seed': -1}, 'seed: -1 is not a whole number'),
    ({'missing_cap': math.inf}, 'missing_cap: inf is not a number above 0'),
    ({'marging': {}}, 'analysis: field marging: unknown; known are threshold'),
])
def test_choices_that_can_not_be_meant_are_refused_by_field(options, message):
    table = frame({'a': gamma(1, 2, 4), 'b': gamma(2, 2, 4)}, group_age=['old', 'old', 'young', 'young'])
    with pytest.raises(TableError) as caught:
        analyzed(table, **options)
    assert str(caught.value).startswith(message) and '\n' not in str(caught.value)


def test_groups_that_are_no_list_are_refused_by_field():
    with pytest.raises(TableError, match='groups'):
        analyzed({'a': gamma(1)}, groups=3)


def test_what_a_plan_names_beyond_the_results_is_noted():
    content = analyzed({'a': gamma(1), 'b': gamma(2)}, {'analysis': {'proposed': 'x', 'reference': 'b'}})
    assert any('The proposed method of the plan, x,' in note for note in content['notes'])
    assert content['proposed'] is None and [*planned(content)] == [('a', 'b')]


def test_conditions_make_a_learning_curve_with_contrasts_of_their_own():
    tables = {'full': {'a': gamma(1), 'b': gamma(2, shift=0.1)}, 'half': {'a': gamma(3), 'b': gamma(4, shift=0.3)},
              'few': {'a': gamma(5, 2), 'c': gamma(6, 2)}}
    table = pd.concat([frame(errors).assign(condition=name) for name, errors in tables.items()])
    plan = {'conditions': [{'name': 'full', 'value': 100}, {'name': 'half', 'value': 50, 'label': 'Half'},
                           {'name': 'few', 'value': 2}],
            'analysis': {'proposed': 'a', 'value_label': 'faces'}}
    content = analyzed(table, plan)
    curve = content['learning_curve']
    assert (curve['x'], curve['conditions'], curve['label']) == ([2, 50, 100], ['few', 'half', 'full'], 'faces')
    for place, name in enumerate(curve['conditions']):
        for method in 'abc':
            values = tables[name].get(method)
            found = [curve['methods'][method][key][place] for key in ('mean', 'seed_sd', 'ci_low', 'ci_high')]
            if values is None:
                assert found == [None] * 4 and curve['methods'][method]['n_seeds'][place] == 0
            else:
                same(found, [values.mean(), values.mean(axis=1).std(ddof=1),
                             *map(float, crossed_mean(values).interval())])
    assert content['main_condition'] == 'full' and {*planned(content, condition='full')} == {('a', 'b')}
    other = planned(content, family='other condition', condition='half')
    same(numbers_of(other['a', 'b']), numbers(crossed_contrast(tables['half']['a'], tables['half']['b'])))
    # b was not run on few.
    assert {(one['family'], one['condition']) for one in content['contrasts']} == {
        ('planned', 'full'), ('all pairs', 'full'), ('other condition', 'half')}
    assert analyzed(table, {'conditions': [{'name': 'full', 'value': 1}, {'name': 'half', 'value': 'some'}]})[
        'learning_curve'] is None


TABLE_1 = {'fe': (1.822, 0.501, 94.52), 'ftp': (1.161, 0.261, 40.32), 'ft': (0.858, 0.238, 10.65),
           'hg': (0.879, 0.386, 12.58), 'ctd_cd': (0.842, 0.246, 5.81), 'ctd_ed': (0.830, 0.245, 7.74),
           'ctd_com': (0.829, 0.253, 6.45)}


def test_what_table_1_can_say():
    plan = {'methods': [{'name': name, 'reported': {'ME': me, 'SD': sd, 'FR': fr}}
                        for name, (me, sd, fr) in TABLE_1.items()],
            'analysis': {'proposed': 'ctd_ed', 'reference': 'ft', 'reported_images': 310}}
    errors = {name: gamma(k, 2, 30) for k, name in enumerate(TABLE_1)}
    content = analyzed(errors, plan)
    reported = content['reported']
    assert reported['n_images'] == 310 and [item['b'] for item in reported['items']] == [
        name for name in TABLE_1 if name != 'ctd_ed']
    item = next(item for item in reported['items'] if item['b'] == 'ft')
    assert round(item['difference'] / item['se'][0], 2) == -1.44 and reported['correlations'][0] == 0
    assert item['p'][0] == pytest.approx(0.150, abs=5e-4)
    for r, se, p in zip(reported['correlations'], item['se'], item['p'], strict=True):
        expected = math.sqrt((0.245**2 + 0.238**2 - 2 * r * 0.245 * 0.238) / 310)
        same([se, p], [expected, 2 * stats.t.sf(0.028 / expected, 309)])
    assert (np.array(item['p']) < 0.05).tolist() == [False, False, True, True, True]
    critical = stats.t.ppf(0.975, 309)
    least = (0.245**2 + 0.238**2 - 310 * (0.028 / critical) ** 2) / (2 * 0.245 * 0.238)
    assert item['least_correlation'] == pytest.approx(least, rel=1e-6) and 0.3 < least < 0.5
    limits = [math.sqrt(((0.028 / critical) ** 2 - se**2) / 2) for se in item['se'][2:]]
    assert item['seed_sd_limit'] == [None, None, *(pytest.approx(limit) for limit in limits)]
    # 24 and 33 failed images: from none to 24 of them shared.
    tests = [stats.binomtest(24 - shared, 57 - 2 * shared).pvalue for shared in range(25)]
    assert item['failures'] == {'count_a': 24, 'count_b': 33, 'p_low': pytest.approx(min(tests)),
                                'p_high': pytest.approx(max(tests))}
    assert item['failures']['p_low'] == pytest.approx(2 * 0.5**9) and item['failures']['p_high'] > 0.28
    same(item['measured_correlation'], np.corrcoef(errors['ctd_ed'].mean(axis=0), errors['ft'].mean(axis=0))[0, 1])
    del plan['analysis']['reported_images']
    assert analyzed({name: errors[name] for name in ('ctd_ed', 'ft')}, plan)['reported'] is None


@pytest.mark.parametrize('seeds', [1, 2])
def test_two_images_are_still_analysed(seeds):
    errors = {'a': gamma(1, seeds, 2), 'b': gamma(2, seeds, 2)}
    content = analyzed(errors, proposed='a', margin={'ME': 0.1})
    same(planned(content)['a', 'b']['estimate'], errors['a'].mean() - errors['b'].mean())


@pytest.mark.filterwarnings('ignore::RuntimeWarning')
def test_two_images_of_two_seeds_are_planned_for_at_a_small_level():
    difference = np.array([[1.0, -1.0], [-1.0, 1.0]]) + 1.000001 * np.array([[1.0, 1.0], [-1.0, -1.0]])
    analyzed({'a': 5 + difference, 'b': np.full((2, 2), 5.0)}, proposed='a', design='paired', alpha=0.001)


def test_means_of_fixed_networks_stand_where_there_is_one_seed():
    content = analyzed({'a': gamma(1, 1), 'b': gamma(2, 3)}, proposed='a')
    blocks = {name: content['methods'][name]['endpoints']['ME'] for name in 'ab'}
    assert (blocks['a']['ci_scope'], blocks['b']['ci_scope']) == ('networks', 'procedure')
    same([blocks['a']['ci_low'], blocks['a']['ci_high']], [*map(float, fixed_seeds_mean(gamma(1, 1)).interval())])


SCRIPT = '''
import sys
import numpy as np
import pandas as pd
from benchmark.statistics import analyze, validate, write_analysis
rng = np.random.default_rng(0)
rows = [(method, seed, f'i{image:03}', rng.gamma(4, 0.25), 'lr'[image % 2])
        for method in 'abc' for seed in range(4) for image in range(300)]
table = validate(pd.DataFrame(rows, columns=['method', 'seed', 'image', 'error', 'group_side']))
write_analysis(sys.argv[1], analyze(table, draws=600, proposed='a', margin={'ME': 0.05}, groups=['side']))
'''


@pytest.mark.slow
def test_the_number_of_threads_changes_no_byte(tmp_path):
    found = []
    for threads in ('1', '2'):
        variables = dict.fromkeys(('OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS'), threads)
        path = tmp_path / f'{threads}.json'
        subprocess.run([sys.executable, '-c', SCRIPT, str(path)], cwd=ROOT, env={**os.environ, **variables}, check=True,
                       timeout=120)
        found.append(path.read_bytes())
    assert found[0] == found[1]
    VALIDATOR.validate(json.loads(found[0]))
