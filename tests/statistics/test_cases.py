"""Whole analyses of awkward tables, against numbers computed by hand."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import jsonschema
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from benchmark.statistics import (
    SCHEMA,
    TableError,
    analyze,
    auc_scores,
    crossed_contrast,
    crossed_mean,
    failures,
    fixed_seeds_contrast,
    fixed_seeds_mean,
    holm,
    read_suite,
    signed_rank,
    validate,
)

ROOT = Path(__file__).resolve().parents[2]
VALIDATOR = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text(encoding='utf-8')))


def gamma(draw, seeds=3, images=20, shift=0.0):
    """Errors (S, N) of a method: images of different difficulty, seeds that differ."""
    common = np.random.default_rng(99).gamma(4, 0.25, images)
    rng = np.random.default_rng(draw)
    return np.abs(common + shift + rng.normal(0, 0.1, (seeds, 1)) + rng.normal(0, 0.2, (seeds, images)))


def frame(errors, seeds=None, **columns):
    """Method -> errors (S, N) as a table; columns: name -> value of each image."""
    rows = [(name, (seeds or {}).get(name, range(len(values)))[seed], f'i{image:03}', values[seed][image],
             *(column[image] for column in columns.values()))
            for name, values in errors.items() for seed in range(len(values)) for image in range(len(values[seed]))]
    return pd.DataFrame(rows, columns=['method', 'seed', 'image', 'error', *columns])


def analyzed(errors, plan=None, missing_allowed=False, every=1, **options):
    table = errors if isinstance(errors, pd.DataFrame) else frame(errors)
    content = analyze(validate(table, missing_allowed=missing_allowed), plan, **{'draws': 100, **options})
    thinned = {**content, 'contrasts': content['contrasts'][::every]}  # the validator is slow
    VALIDATOR.validate(json.loads(json.dumps(thinned, allow_nan=False)))
    return content


def planned(content, endpoint='ME', scope='procedure', family='planned', condition='all'):
    wanted = {'endpoint': endpoint, 'scope': scope, 'family': family, 'condition': condition}
    return {(one['a'], one['b']): one for one in content['contrasts'] if wanted.items() <= one.items()}


def numbers_of(one):
    return [one[key] for key in ('estimate', 'se', 'df', 't', 'p', 'ci_low', 'ci_high')]


def numbers(estimate):
    return [float(value) for value in (estimate.estimate, estimate.se, estimate.df, estimate.t, estimate.p,
                                       *estimate.interval(0.95))]


def same(found, expected):
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-11)


def row(content, analysis, place=0):
    return next(one for one in content['sensitivity'][place]['rows'] if one['analysis'] == analysis)


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


def incomplete():
    """i001 has an empty error in b, i003 has no row in a; both in one seed."""
    errors = {'a': gamma(1, 3, 6), 'b': gamma(2, 3, 6, 0.2)}
    table = frame(errors)
    at = {(one.method, one.seed, one.image): one.Index for one in table.itertuples()}
    table.loc[at['b', 0, 'i001'], 'error'] = np.nan
    return table.drop(at['a', 1, 'i003']), errors


def test_missing_predictions_leave_out_their_images_by_name():
    table, errors = incomplete()
    content = analyzed(table, missing_allowed=True, proposed='a', threshold=1.0)
    kept = [0, 2, 4, 5]
    same(numbers_of(planned(content)['a', 'b']), numbers(crossed_contrast(*(errors[m][:, kept] for m in 'ab'))))
    assert content['conditions']['all']['dropped_images'] == ['i001', 'i003']
    note, = (note for note in content['notes'] if 'left out' in note)
    assert '2 of 6 images left out (i001, i003)' in note and 'a seed 1, b seed 0' in note
    assert content['methods']['a']['complete_case_ME'] is None and content['methods']['a']['missing'] == 0


def test_missing_predictions_count_as_failures_with_the_cap():
    table, errors = incomplete()
    content = analyzed(table, missing_allowed=True, proposed='a', threshold=1.0, missing_cap=3.5)
    filled = {name: values.copy() for name, values in errors.items()}
    filled['a'][1, 3] = filled['b'][0, 1] = 3.5
    fr = {name: failures(values, 1.0) for name, values in filled.items()}
    auc = {name: auc_scores(values, 1.0) for name, values in filled.items()}
    for endpoint, scores in (('ME', filled), ('FR', fr), ('AUC', auc)):
        found, expected = planned(content, endpoint)['a', 'b'], crossed_contrast(scores['a'], scores['b'])
        same([found['estimate'], found['se']], [float(expected.estimate), float(expected.se)])
        same(content['methods']['b']['endpoints'][endpoint]['per_seed'], scores['b'].mean(axis=1))
    assert fr['a'][1, 3] == fr['b'][0, 1] == 1 and auc['a'][1, 3] == auc['b'][0, 1] == 0
    assert content['conditions']['all']['dropped_images'] == [] and content['missing_cap'] == 3.5
    for name in 'ab':
        assert content['methods'][name]['missing'] == 1
        same(content['methods'][name]['complete_case_ME'], errors[name][:, [0, 2, 4, 5]].mean())
    assert any('2 missing predictions count as failures with an error of 3.5 (a: 1, b: 1); 4 of 6 images' in note
               for note in content['notes'])


def test_a_missing_landmark_makes_its_image_a_failure(monkeypatch):
    monkeypatch.setattr('benchmark.statistics.scores.LOST_BY_CAP', 0.125)  # one cell of eight
    errors = {'a': gamma(1, 2, 4), 'b': gamma(2, 2, 4)}
    tables = [frame({name: values * factor for name, values in errors.items()}, normalizer=[10.0, 20.0, 40.0, 50.0])
              .assign(landmark=landmark) for landmark, factor in (('eye', 0.5), ('nose', 1.5))]
    whole = pd.concat(tables, ignore_index=True)
    keys = whole[['method', 'seed', 'image', 'landmark']].apply(tuple, axis=1)
    content = analyzed(whole[keys != ('a', 1, 'i002', 'nose')], proposed='a', threshold=1.0, missing_cap=8.0)
    filled = errors['a'].copy()
    filled[1, 2] = 8.0
    endpoints = content['methods']['a']['endpoints']
    same(endpoints['ME']['per_seed'], filled.mean(axis=1))
    same(endpoints['FR']['per_seed'], failures(filled, 1.0).mean(axis=1))
    same(endpoints['NME']['per_seed'], (filled / [10.0, 20.0, 40.0, 50.0]).mean(axis=1))
    # The landmark that is there keeps its error.
    means = content['landmarks']['methods']['a']
    nose = errors['a'] * 1.5
    nose[1, 2] = 8.0
    same([means['eye']['mean'], means['nose']['mean']], [errors['a'].mean() / 2, nose.mean()])
    assert content['landmarks']['n_images'] == {'eye': 4, 'nose': 4}


def test_the_complete_case_figure_is_averaged_as_the_mean_is():
    values = gamma(1, 2, 6)
    table = frame({'a': values, 'b': gamma(2, 2, 6)}, subject=[*'pppqrs']).drop(index=5)
    content = analyzed(table, missing_cap=2.0)
    same(content['methods']['a']['complete_case_ME'],
         np.mean([values[:, :3].mean(), values[:, 3].mean(), values[:, 4].mean()]))


def test_a_cap_below_the_threshold_is_refused():
    with pytest.raises(TableError, match='missing_cap: 1 is below the threshold 1.2'):
        analyzed({'a': gamma(1)}, missing_cap=1.0)


def test_missing_predictions_are_failures_at_every_threshold():
    table = frame({'a': gamma(1, 3, 6), 'b': gamma(2, 3, 6)}).drop(index=2)
    content = analyzed(table, proposed='a', threshold=1.0, missing_cap=1.0)
    same(row(content, 'FR at 1 t')['estimate'], planned(content, 'FR')['a', 'b']['estimate'])


def test_without_failures_the_failure_rate_is_not_estimable_and_bounded():
    errors = {'a': gamma(1), 'b': gamma(2)}
    content = analyzed(errors, proposed='a', threshold=50.0, alpha=0.1)
    for scope in ('procedure', 'networks'):
        one = planned(content, 'FR', scope)['a', 'b']
        assert one['verdict'] == 'not estimable' and one['estimate'] == 0 and one['se'] is None and one['p'] is None
        assert 'there is no variance to judge by' in one['reason']
        same(one['bound'], 1 - 0.1 ** (1 / 20))
    block = content['methods']['a']['endpoints']['FR']
    assert (block['mean'], block['seed_sd'], block['ci_low']) == (0, 0, None)
    same(block['bound'], 1 - 0.1 ** (1 / 20))
    assert not [one for one in content['planning'] if one['endpoint'] == 'FR']
    assert content['sensitivity'][0]['headlines']['FR']['reading'] is None
    assert row(content, 'exact McNemar per seed')['reason'] == 'no image fails in one method only'
    # The bound is what the binomial distribution says: with it, no failure has a probability of alpha.
    assert stats.binom.pmf(0, 20, block['bound']) == pytest.approx(0.1)


def test_where_all_fail_the_failure_rate_is_bounded_from_below():
    content = analyzed({'a': gamma(1) + 1, 'b': gamma(2) + 1}, proposed='a', threshold=0.5)
    block = content['methods']['a']['endpoints']['FR']
    same([block['mean'], block['bound']], [1, 0.05 ** (1 / 20)])
    same(content['methods']['a']['endpoints']['AUC']['bound'], 1 - 0.05 ** (1 / 20))


def test_where_one_method_fails_everywhere_there_is_no_bound_of_the_difference():
    content = analyzed({'a': gamma(1) + 3, 'b': gamma(2) / 100}, proposed='a', threshold=1.0)
    one = planned(content, 'FR')['a', 'b']
    assert (one['estimate'], one['verdict'], one['bound']) == (1, 'not estimable', None)


def test_mcnemar_where_one_method_fails_everywhere_does_not_claim_that_no_image_differs():
    content = analyzed({'a': gamma(1) + 3, 'b': gamma(2) / 100}, proposed='a', threshold=1.0)
    found = row(content, 'exact McNemar per seed')
    assert found['reason'] != 'no image fails in one method only'


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


def test_discordant_failures_are_counted_over_pairs_of_networks():
    a = np.array([[2, 0, 0, 2, 0, 0.0], [2, 2, 0, 0, 0, 0]])
    b = np.array([[0, 0, 0, 2, 2, 2.0], [0, 0, 2, 2, 2, 0], [0, 0, 0, 2, 0, 0]])
    content = analyzed({'a': a, 'b': b}, proposed='a', threshold=1.0)
    pairs = [(one > 1, two > 1) for one in a for two in b]
    effect = next(one for one in content['effects'] if one['endpoint'] == 'FR')
    same(effect['discordant'], {'only_a': np.mean([(one & ~two).sum() for one, two in pairs]),
                                'only_b': np.mean([(two & ~one).sum() for one, two in pairs])})
    same(effect['difference'], (effect['discordant']['only_a'] - effect['discordant']['only_b']) / 6)


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


@pytest.mark.parametrize('spread', [0.2, 0.0])
def test_a_nested_design_takes_unequal_numbers_of_seeds(spread):
    a, b = gamma(1, 5), gamma(2, 3, shift=0.2) + spread * np.array([[1.0], [0.0], [-1.0]])
    content = analyzed({'a': a, 'b': b}, proposed='a')
    one = planned(content)['a', 'b']
    assert one['n_seeds'] == [5, 3]
    n = a.shape[1]
    difference = a.mean(axis=0) - b.mean(axis=0)
    variance = difference.var(ddof=1) / n
    weight = variance**2 / (n - 1)
    for values in (a, b):
        s = len(values)
        between = n * values.mean(axis=1).var(ddof=1)
        rest = values - values.mean(axis=1, keepdims=True) - values.mean(axis=0) + values.mean()
        within = (rest**2).sum() / ((s - 1) * (n - 1))
        # Without the spread b's seeds differ less than chance lets them, and have no share.
        assert (between > within) == (values is a or spread > 0)
        if between > within:
            variance += (between - within) / (n * s)
            weight += (between / (n * s)) ** 2 / (s - 1) + (within / (n * s)) ** 2 / ((s - 1) * (n - 1))
    same([one['estimate'], one['se'], one['df']], [difference.mean(), math.sqrt(variance), variance**2 / weight])
    assert content['planning'][0]['n_seeds'] == 3
    assert '5 and 3 seeds' in content['statements'][0]['text']


PARTLY = {'a': [0, 1, 2, 3], 'b': [7, 1, 2, 3]}


def test_a_paired_design_uses_the_seeds_in_common_and_says_so():
    errors = {'a': gamma(1, 4), 'b': gamma(2, 4), 'c': gamma(3, 4)}
    content = analyzed(frame(errors, seeds={**PARTLY, 'c': PARTLY['a']}), proposed='a', design='paired')
    one = planned(content)['a', 'b']
    # By number of the seed: 1, 2 and 3 are the last three of both.
    same(numbers_of(one), numbers(crossed_contrast(errors['a'][1:], errors['b'][1:], 'paired')))
    assert one['n_seeds'] == [3, 3] and planned(content)['a', 'c']['n_seeds'] == [4, 4]
    same(numbers_of(planned(content, scope='networks')['a', 'b']),
         numbers(fixed_seeds_contrast(errors['a'][1:], errors['b'][1:])))
    same(row(content, 'FR at 1 t')['estimate'], planned(content, 'FR')['a', 'b']['estimate'])
    note, = (note for note in content['notes'] if 'Paired design' in note)
    assert 'a lacks 7' in note and 'b lacks 0' in note and 'c lacks 7' in note


def test_a_paired_design_goes_by_the_number_of_the_seed():
    errors = {'a': gamma(1, 3), 'b': gamma(2, 3)}
    content = analyzed(frame(errors, seeds={'a': [0, 1, 2], 'b': [2, 0, 1]}), proposed='a', design='paired')
    same(numbers_of(planned(content)['a', 'b']),
         numbers(crossed_contrast(errors['a'], errors['b'][[1, 2, 0]], 'paired')))
    assert not any('Paired' in note for note in content['notes'])


def test_a_paired_design_without_a_common_seed_is_refused():
    table = frame({'a': gamma(1), 'b': gamma(2)}, seeds={'b': [3, 4, 5]})
    with pytest.raises(TableError, match=r'design paired: a \(seeds 0, 1, 2\) and b \(seeds 3, 4, 5\) have no seed'):
        analyzed(table, design='paired')
    assert analyzed(table, design='nested')['design'] == 'nested'


def test_the_bootstrap_of_a_paired_contrast_is_of_the_seeds_in_common():
    errors = {'a': gamma(1, 3), 'b': np.concatenate([gamma(2, 3), gamma(3, 17, shift=5)])}
    content = analyzed(errors, proposed='a', design='paired')
    found = row(content, 'crossed bootstrap')
    assert found['ci_low'] < found['estimate'] < found['ci_high']


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


def test_empty_errors_are_read_where_the_plan_has_a_cap_and_bad_ones_are_not(tmp_path):
    table, _ = incomplete()
    table.to_csv(tmp_path / 'results.csv', index=False)
    with pytest.raises(TableError, match='field error: NaN in data row 19; .*missing_cap in the plan'):
        read_suite(tmp_path)
    (tmp_path / 'plan.json').write_text(json.dumps({'analysis': {'missing_cap': 2.0}}))
    suite = read_suite(tmp_path)
    content = analyzed(suite.table, suite.plan, missing_allowed=True)
    assert content['missing_cap'] == 2.0 and content['methods']['b']['missing'] == 1
    for bad, word in (('-inf', 'infinite'), ('-1', 'negative'), ('wide', 'not a number')):
        text = table.astype({'error': object})
        text.iloc[2, 3] = bad
        with pytest.raises(TableError, match=f'field error: {word} in data row 3'):
            validate(text, missing_allowed=True)


@pytest.mark.parametrize(('seeds', 'least'), [(2, 0.5), (5, 0.0625)])
def test_a_signed_rank_test_of_few_seeds_is_refused_with_its_least_p(seeds, least):
    content = analyzed({'a': gamma(1, seeds), 'b': gamma(2, seeds)}, proposed='a', design='paired')
    found = row(content, 'Wilcoxon on seed means')
    assert found['p'] is None and found['reading'] is None and found['flip'] is None
    assert f'with {seeds} seeds p is at least {least:g}: it can\'t reject' in found['reason']
    # No data reach a smaller p.
    assert signed_rank(np.arange(1.0, seeds + 1)).p == least


@pytest.mark.parametrize('design', ['paired', 'nested'])
def test_a_signed_rank_test_of_six_seeds_is_made(design):
    errors = {'a': gamma(1, 6), 'b': gamma(2, 6, shift=1)}
    found = row(analyzed(errors, proposed='a', design=design), 'Wilcoxon on seed means')
    means = [values.mean(axis=1) for values in errors.values()]
    expected = stats.wilcoxon(*means) if design == 'paired' else stats.mannwhitneyu(*means)
    assert found['reading'] == 'a better' and found['reason'] is None
    same(found['p'], expected.pvalue)


def test_rows_that_read_otherwise_are_flips():
    # One good seed, two bad ones: seeds decide nothing, images everything.
    common = np.random.default_rng(0).uniform(0.8, 1.2, 30)
    rng = np.random.default_rng(1)
    a, b = (common + np.array([[0.0], [0.3], [-0.25]]) * sign + shift + rng.normal(0, 0.01, (3, 30))
            for sign, shift in ((1, 0.0), (-1, 0.1)))
    content = analyzed({'a': a, 'b': b}, proposed='a')
    table = content['sensitivity'][0]
    assert table['headlines']['ME']['reading'] == 'undecided'
    for name in ('paired t on seed-averaged images', 'Wilcoxon on seed-averaged images',
                 'sign-flip permutation of images'):
        assert (row(content, name)['reading'], row(content, name)['flip']) == ('a better', True)
    assert row(content, 'Welch t on seed means')['flip'] is False
    readings = [one for one in table['rows'] if one['reading'] is not None]
    assert table['read'] == len(readings)
    assert table['flips'] == sum(
        one['reading'] != table['headlines'][one['endpoint']]['reading'] for one in readings
        if table['headlines'][one['endpoint']]['reading'] is not None)


def test_sensitivity_rows_by_hand():
    errors = {'a': gamma(1, 4), 'b': 0.6 + 0.7 * gamma(2, 4) + 0.5 * np.sin(np.arange(20))}
    content = analyzed(errors, proposed='a', threshold=1.0, margin={'ME': 0.05})
    a, b = errors['a'], errors['b']

    def shown(analysis, estimate):
        found = row(content, analysis)
        same([found[key] for key in ('estimate', 'p', 'ci_low', 'ci_high')],
             [float(estimate.estimate), float(estimate.p), *map(float, estimate.interval(0.95))])

    shown('log ME', crossed_contrast(np.log(a), np.log(b)))
    middle = np.argsort((a + b).mean(axis=0))[1:-1]
    assert set(middle) != set(np.argsort(a.mean(axis=0))[1:-1])
    shown('trimmed ME', crossed_contrast(a[:, middle], b[:, middle]))
    shown('paired instead of nested', crossed_contrast(a, b, 'paired'))
    difference = (a - b).mean(axis=0)
    rest = np.delete(np.arange(20), np.abs(difference - difference.mean()).argmax())
    shown('without the most influential image', crossed_contrast(a[:, rest], b[:, rest]))
    for factor in (0.8, 1.0, 1.2, 1.4, 1.6):
        shown(f'FR at {factor:g} t', crossed_contrast(failures(a, factor), failures(b, factor)))
        shown(f'AUC at {factor:g} t', crossed_contrast(auc_scores(a, factor), auc_scores(b, factor)))
    left = [crossed_contrast(np.delete(a, k, 0), b) for k in range(4)]
    left += [crossed_contrast(a, np.delete(b, k, 0)) for k in range(4)]
    assert content['sensitivity'][0]['headlines']['ME']['reading'] == 'a better'
    shown('leave one seed out', max(left, key=lambda one: float(one.p)))
    tests = []
    for one, two in zip(failures(a, 1.0), failures(b, 1.0), strict=True):
        only = int((one > two).sum()), int((two > one).sum())
        tests.append(stats.binomtest(only[0], sum(only)).pvalue if sum(only) else 1.0)
    same(row(content, 'exact McNemar per seed')['p'], np.median(tests))
    assert f'{sum(p < 0.05 for p in tests)} of 4 pairs' in row(content, 'exact McNemar per seed')['note']
    # Two methods: the rank difference of Nemenyi's test is that of the sign test, with a normal distribution.
    better = (difference < 0).mean()
    found = row(content, 'Nemenyi on mean ranks')
    same([found['estimate'], found['p']],
         [1 - 2 * better, 2 * stats.norm.sf(abs(1 - 2 * better) * math.sqrt(20))])
    assert row(content, 'Bayesian signed-rank with ROPE')['reading'] in ('a better', 'undecided')


def placed(errors_px, factor):
    """Predictions of two landmarks per image: the second is too far right by errors_px, method -> (S, N)."""
    rows = []
    for method, values in errors_px.items():
        for seed, own in enumerate(values):
            for image, error in enumerate(own):
                for landmark, x_true, x in (('left', 10.0, 10.0), ('right', 30.0 + image, 30.0 + image + error)):
                    rows.append((method, seed, f'i{image:03}', landmark, abs(x - x_true),
                                 abs(x - x_true) * factor[image], x, 20.0, x_true, 20.0))
    return pd.DataFrame(rows, columns=['method', 'seed', 'image', 'landmark', 'error', 'error_mm', 'x', 'y', 'x_true',
                                       'y_true'])


MEASURED = {'data': {'measurements': {'width': ['left', 'right']}}}


def test_agreement_of_measurements_in_millimetres():
    rng = np.random.default_rng(0)
    errors = {'a': 0.5 + rng.normal(0, 1, (1, 12)), 'b': rng.normal(0, 2, (3, 12))}
    factor = np.where(np.arange(12) % 2, 0.25, 0.5)
    content = analyzed(placed(errors, factor), MEASURED, draws=400)
    assert content['agreement']['unit'] == 'mm'
    one, many = content['agreement']['items']
    assert (one['measurement'], one['landmarks'], one['method']) == ('width', ['left', 'right'], 'a')
    difference = errors['a'][0] * factor
    sd, t = difference.std(ddof=1), stats.t.ppf(0.975, 11)
    same([one['bias'], one['sd'], one['lower'], one['upper']],
         [difference.mean(), sd, *(difference.mean() + np.array([-1, 1]) * stats.norm.ppf(0.975) * sd)])
    same([one['bias_low'], one['bias_high']], [*(difference.mean() + np.array([-1, 1]) * t * sd / math.sqrt(12))])
    same([many['bias'], many['bias_low'], many['bias_high']],
         [(errors['b'] * factor).mean(), *map(float, crossed_mean(errors['b'] * factor).interval())])
    true = (20.0 + np.arange(12)) * factor
    for item, name in ((one, 'a'), (many, 'b')):
        expected = []
        for own in errors[name]:
            ratings = np.stack([true + own * factor, true], axis=1)
            # Lin's coefficient with unbiased moments, corrected by the variance of the difference of means: ICC(A,1).
            cov = np.cov(ratings.T)
            shift = (ratings[:, 0] - ratings[:, 1]).mean() ** 2
            noise = (cov[0, 0] + cov[1, 1] - 2 * cov[0, 1]) / 12
            expected.append(2 * cov[0, 1] / (cov[0, 0] + cov[1, 1] + shift - noise))
        same(item['icc']['per_seed'], expected)
        same(item['icc']['estimate'], np.mean(expected))
        assert item['icc']['ci_low'] < np.mean(expected) <= item['icc']['ci_high'] <= 1
        assert (item['n_images'], item['n_seeds']) == (12, len(errors[name]))


def test_agreement_is_in_pixels_where_the_spacing_is_unknown():
    errors = {'a': np.random.default_rng(0).normal(0, 1, (2, 6))}
    table = placed(errors, np.ones(6)).drop(columns='error_mm')
    content = analyzed(table, MEASURED)
    assert content['agreement']['unit'] == 'image px'
    same(content['agreement']['items'][0]['bias'], errors['a'].mean())
    assert analyzed(table)['agreement'] is None
    assert analyzed(table.drop(columns=['x_true']), MEASURED)['agreement'] is None


def test_agreement_has_subjects_as_its_units():
    errors = {'a': np.random.default_rng(0).normal(0, 1, (1, 6))}
    once = analyzed(placed(errors, np.ones(6)), MEASURED)['agreement']['items'][0]
    table = placed(errors, np.ones(6))
    twice = pd.concat([table.assign(subject=table['image']),
                       table.assign(subject=table['image'], image=table['image'] + ' again')])
    found = analyzed(twice, MEASURED)['agreement']['items'][0]
    same([found['bias_low'], found['bias_high']], [once['bias_low'], once['bias_high']])


def test_a_measurement_that_can_not_be_taken_is_named():
    errors = {'a': np.random.default_rng(0).normal(0, 1, (1, 6))}
    plan = {'data': {'measurements': {'width': ['left', 'right'], 'height': ['left', 'top']}}}
    content = analyzed(placed(errors, np.ones(6)), plan)
    assert [item['measurement'] for item in content['agreement']['items']] == ['width']
    assert any('height' in note for note in content['notes'])


def interaction_by_hand(a, b, inside):
    """(a - b) inside minus outside, over random seeds and images; and the excess of each method's seeds over chance."""
    n_in, n_out = inside.sum(), (~inside).sum()
    difference = (a - b).mean(axis=0)
    shares = difference[inside].var(ddof=1) / n_in, difference[~inside].var(ddof=1) / n_out
    variance, weight, excesses = sum(shares), shares[0] ** 2 / (n_in - 1) + shares[1] ** 2 / (n_out - 1), []
    for values in (a, b):
        s = len(values)
        between = (values[:, inside].mean(axis=1) - values[:, ~inside].mean(axis=1)).var(ddof=1)
        squares = sum(((part - part.mean(axis=1, keepdims=True) - part.mean(axis=0) + part.mean()) ** 2).sum()
                      for part in (values[:, inside], values[:, ~inside]))
        df = (s - 1) * (n_in + n_out - 2)
        chance = squares / df * (1 / n_in + 1 / n_out)
        excesses.append(between - chance)
        if between > chance:
            variance += (between - chance) / s
            weight += (between / s) ** 2 / (s - 1) + (chance / s) ** 2 / df
    return (difference[inside].mean() - difference[~inside].mean(), math.sqrt(variance), variance**2 / weight), excesses


@pytest.mark.parametrize('labels', [['left', 'right'], ['left', 'middle', 'right']])
def test_subgroups_and_their_interactions(labels):
    column = [labels[image % len(labels)] for image in range(20)]
    errors = {'a': gamma(1, 4), 'b': gamma(2, 4, shift=0.2)}
    errors['a'][:2, ::len(labels)] += 0.6  # in two of the four seeds the first stratum is harder
    content = analyzed(frame(errors, group_side=column), proposed='a', groups=['side'])
    block, = content['subgroups']
    assert (block['column'], [one['name'] for one in block['strata']]) == ('side', labels)
    for stratum in block['strata']:
        inside = np.array(column) == stratum['name']
        assert stratum['n_units'] == inside.sum()
        same(stratum['means'], {name: values[:, inside].mean() for name, values in errors.items()})
        for scope, estimate in (('procedure', crossed_contrast), ('networks', fixed_seeds_contrast)):
            one, = (one for one in block['contrasts'] if (one['stratum'], one['scope']) == (stratum['name'], scope))
            expected = estimate(errors['a'][:, inside], errors['b'][:, inside])
            same([one[key] for key in ('estimate', 'se', 'df', 'p')],
                 [float(value) for value in (expected.estimate, expected.se, expected.df, expected.p)])
    # Of two strata the interaction is one number, of more each is set against all others.
    expected_labels, cut = labels if len(labels) > 2 else labels[:1], []
    difference = (errors['a'] - errors['b']).mean(axis=0)
    for scope in ('procedure', 'networks'):
        found = [one for one in block['interactions'] if one['scope'] == scope]
        assert [one['stratum'] for one in found] == expected_labels
        same([one['p_adjusted'] for one in found], holm([one['p'] for one in found]))
        for one in found:
            inside = np.array(column) == one['stratum']
            if scope == 'networks':
                test = stats.ttest_ind(difference[inside], difference[~inside], equal_var=False)
                same([one['estimate'], one['p'], one['df'], one['ci_low'], one['ci_high']],
                     [difference[inside].mean() - difference[~inside].mean(), test.pvalue, test.df,
                      *test.confidence_interval()])
            else:
                expected, excesses = interaction_by_hand(errors['a'], errors['b'], inside)
                same([one[key] for key in ('estimate', 'se', 'df')], expected)
                cut.append(min(excesses) < 0)
    assert any(cut)
    # Seeds that differ in the interaction make it less certain over seeds.
    first = {one['scope']: one['se'] for one in block['interactions'] if one['stratum'] == labels[0]}
    assert first['procedure'] > 1.2 * first['networks']


def test_strata_that_are_too_small_are_named_and_images_of_two_strata_refused():
    column = ['one', *['many'] * 5, *['more'] * 4]
    table = frame({'a': gamma(1, 2, 10), 'b': gamma(2, 2, 10)}, group_side=column)
    content = analyzed(table, proposed='a', groups=['side'])
    assert [one['name'] for one in content['subgroups'][0]['strata']] == ['many', 'more']
    assert any('side: one left out of the subgroups' in note for note in content['notes'])
    table.loc[0, 'group_side'] = 'more'
    with pytest.raises(TableError, match='field group_side: image i000 is in two strata'):
        analyzed(table, proposed='a', groups=['side'])


def test_a_subject_of_two_strata_is_refused():
    table = frame({'a': gamma(1, 2, 6), 'b': gamma(2, 2, 6)}, subject=[*'ppqqrr'], group_side=[*'lrlllr'])
    with pytest.raises(TableError, match=r'field group_side: the images of subject p are in several strata \(l, r\)'):
        analyzed(table, proposed='a', groups=['side'])


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
