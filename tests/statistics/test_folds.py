"""Cross-validation: how its tables are recognised and refused, its rule, and what is said of it."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from benchmark.statistics import TableError, analyze, read_table, validate
from benchmark.statistics.crossed import Block, contrast, crossed_contrast, mean
from benchmark.statistics.estimates import t_quantile
from benchmark.statistics.fold_block import LEVELS
from benchmark.statistics.fold_tables import fold_means
from benchmark.statistics.folds import inflation
from benchmark.statistics.resampling import WeightDraws
from benchmark.statistics.subgroups import interaction

DRAWS = 100


def crossvalidated(n_folds=5, repetitions=3, persons=20, methods=('ours', 'theirs'), landmarks=1, difference=0.1):
    """Two images of each person, all of a person in one fold of each repetition."""
    rng = np.random.default_rng(3)
    fold = np.stack([rng.permutation(np.arange(persons) % n_folds) for _ in range(repetitions)])
    rows = [(m, r, fold[r, p], f'p{p:02d}_{i}', f'p{p:02d}', f'k{k}', ('even', 'odd')[p % 2])
            for m in methods for r in range(repetitions) for p in range(persons) for i in range(2)
            for k in range(landmarks)]
    frame = pd.DataFrame(rows, columns=['method', 'repetition', 'fold', 'image', 'subject', 'landmark', 'group_side'])
    frame['error'] = rng.gamma(4, 0.25, len(frame)) + difference * (frame['method'] == 'theirs')
    return frame if landmarks > 1 else frame.drop(columns='landmark')


def analysed(frame, **choices):
    return analyze(validate(frame, missing_allowed='missing_cap' in choices), draws=DRAWS, **choices)


def planned(content, endpoint='ME', scope='procedure'):
    return next(one for one in content['contrasts'] if one['family'] == 'planned' and one['endpoint'] == endpoint
                and one['scope'] == scope)


def folds_as_seeds(frame, by_repetition=True):
    """The same table with a seed for each training and neither repetition nor fold."""
    size = frame['fold'].nunique()
    many = frame['repetition'].nunique()
    seed = (frame['repetition'] * size + frame['fold'] if by_repetition else frame['fold'] * many + frame['repetition'])
    return frame.assign(seed=seed).drop(columns=['repetition', 'fold'])


# The rule


def test_ranks_by_tests_follow_the_rule_of_the_contrasts():
    frame = crossvalidated(methods=('ours', 'theirs', 'other'), difference=0.2)
    scheme = analysed(frame)['ranking']['schemes']['items']['test based']
    means = frame.groupby(['method', 'subject'])['error'].mean().unstack()

    def worse(factor):
        wins = [sum((d := means.loc[a] - means.loc[b]).mean()
                    < -t_quantile(0.025, 19) * np.sqrt(factor * d.var(ddof=1) / 20)
                    for b in means.index if b != a) for a in means.index]
        return dict(zip(means.index, stats.rankdata(np.negative(wins)), strict=True))

    assert scheme['ranks'] == worse(1 + 5 / 4) != worse(1)
    assert 'corrected t' in scheme['description']


def test_the_rule_is_a_t_test_of_persons_with_a_variance_that_is_multiplied():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 3, 20))
    one, d = crossed_contrast(Block(a, 5), Block(b, 5)), (a - b).mean(axis=0)
    se = np.sqrt((1 + 5 / 4) * d.var(ddof=1) / 20)
    assert one.se == pytest.approx(se) and one.df == 19 and one.estimate == pytest.approx(d.mean())
    low, high = one.interval(0.95)
    assert high - low == pytest.approx(2 * t_quantile(0.025, 19) * se)
    assert mean(Block(a, 5)).se == pytest.approx(np.sqrt(2.25 * a.mean(axis=0).var(ddof=1) / 20))
    single = crossed_contrast(Block(a[:1], 10), Block(b[:1], 10))
    assert single.se == pytest.approx(np.sqrt((1 + 10 / 9) * (a - b)[0].var(ddof=1) / 20))


def test_the_factor_is_that_of_nadeau_and_bengio_for_one_cross_validation():
    for folds in (2, 5, 10, 60):
        # J (1/J + n_test/n_train) with J = K.
        assert inflation(folds) == pytest.approx(folds * (1 / folds + 1 / (folds - 1)))


def test_nothing_is_said_of_the_networks_of_a_cross_validation():
    rng = np.random.default_rng(0)
    a, b = (Block(values, 5) for values in rng.normal(size=(2, 3, 20)))
    assert np.isnan(contrast(a, b, 'networks').se) and not np.isnan(contrast(a, b, 'procedure').se)
    with pytest.raises(ValueError, match='5 folds and b has 4'):
        crossed_contrast(a, Block(b.values, 4))
    inside = np.arange(20) < 10
    assert np.isnan(interaction(a, b, inside, ~inside, 'networks').se)
    plain = interaction(Block(a.values), Block(b.values), inside, ~inside, 'networks')
    assert interaction(a, b, inside, ~inside, 'procedure').se == pytest.approx(np.sqrt(2.25) * plain.se)


def test_draws_vary_as_the_rule_has_it():
    values = np.random.default_rng(0).normal(size=(3, 90))
    found = WeightDraws(0, 0, 20_000, 'cross-validation', folds=5).mean('ours', values)
    assert found.var() == pytest.approx(2.25 * values.mean(axis=0).var() / 90, rel=0.05)


# Tables


def test_columns_make_a_cross_validation(tmp_path):
    frame = crossvalidated()
    frame.to_csv(tmp_path / 'folds.csv', index=False)
    content = analyze(read_table(tmp_path / 'folds.csv'), draws=DRAWS, proposed='ours', groups=('side',))
    assert content['design'] == 'cross-validation'
    block = content['folds']
    assert (block['n_folds'], block['repetitions'], block['factor']) == (5, 3, 2.25)
    assert block['shared'] is True and block['sizes'] == [[8] * 5] * 3 and len(block['units']) == 20
    assert block['assigned'][0] == frame.drop_duplicates(['repetition', 'subject'])['fold'].tolist()[:20]
    means = frame.groupby(['method', 'subject'])['error'].mean().unstack('method')
    d = means['ours'] - means['theirs']
    one = planned(content)
    assert one['se'] == pytest.approx(np.sqrt(2.25 * d.var() / 20)) and one['n_seeds'] == [3, 3] and one['df'] == 19
    networks = planned(content, scope='networks')
    assert networks['verdict'] == 'not estimable' and 'other images' in networks['reason']
    words = content['statements'][0]
    assert '3 repetitions of 5 folds each, 20 subjects' in words['text']
    assert 'other data sets of this size' in words['text'] and 'trained models' not in words['text'] + words['headline']
    assert content['effects'][0]['wilcoxon'] is None and content['ranking']['friedman'] is None
    assert {*content['ranking']['drawn']} == {'images'}
    assert all(row['scope'] == 'procedure' for row in content['sensitivity'][0]['rows'])
    stratum = next(one for one in content['subgroups'][0]['contrasts'] if one['scope'] == 'procedure')
    own = d[[int(name[1:]) % 2 == (stratum['stratum'] == 'odd') for name in d.index]]
    assert stratum['se'] == pytest.approx(np.sqrt(2.25 * own.var() / len(own)))


@pytest.mark.parametrize('shape', [dict(), dict(n_folds=2), dict(repetitions=1), dict(n_folds=20, repetitions=1)])
@pytest.mark.parametrize('by_repetition', [True, False])
def test_seeds_that_are_folds_are_recognised(shape, by_repetition):
    frame = crossvalidated(**shape)
    found = analysed(folds_as_seeds(frame, by_repetition), proposed='ours')
    expected = analysed(frame, proposed='ours')
    assert found['design'] == 'cross-validation' and found['contrasts'] == expected['contrasts']
    assert found['folds']['assigned'] == expected['folds']['assigned']
    assert any('seeds are taken for the folds' in note for note in found['notes'])


def test_empty_errors_of_images_that_a_fold_has_not_tested_are_no_failures():
    frame = folds_as_seeds(crossvalidated(repetitions=1))
    cells = pd.MultiIndex.from_product([frame[name].unique() for name in ('method', 'seed', 'image')],
                                       names=['method', 'seed', 'image'])
    wide = frame.set_index(['method', 'seed', 'image'])['error'].reindex(cells).reset_index()
    found = analysed(wide, proposed='ours', missing_cap=5.0)
    assert found['design'] == 'cross-validation' and found['methods']['ours']['missing'] == 0


def test_folds_that_were_put_together_are_declared():
    frame = crossvalidated()
    together = frame.rename(columns={'repetition': 'seed'}).drop(columns='fold')
    assert analysed(together, proposed='ours')['design'] == 'nested'  # it can't be told
    declared, whole = analysed(together, proposed='ours', folds=5), analysed(frame, proposed='ours')
    assert declared['design'] == 'cross-validation' and declared['folds']['assigned'] is None
    assert planned(declared) == planned(whole)
    rows = {row['analysis']: row['reason'] for row in declared['sensitivity'][0]['rows']}
    assert 'no folds in the table' in rows['corrected resampled t of folds']


def test_a_seed_beside_repetition_and_fold_is_left_out():
    frame = crossvalidated()
    trained = frame.assign(seed=1000 + frame['fold'] + 17 * frame['repetition'])
    assert planned(analysed(trained, proposed='ours')) == planned(analysed(frame, proposed='ours'))
    alone = crossvalidated(repetitions=1).drop(columns='repetition')
    assert analysed(alone, proposed='ours')['folds']['repetitions'] == 1


def test_names_and_order_of_folds_change_nothing():
    frame = crossvalidated()
    other = frame.assign(fold='fold ' + ((frame['fold'] + frame['repetition']) % 5 + 7).astype(str)).sample(
        frac=1, random_state=1)
    assert analysed(other, proposed='ours')['contrasts'] == analysed(frame, proposed='ours')['contrasts']


def test_methods_in_other_folds_have_no_test_of_folds():
    frame = crossvalidated()
    frame['fold'] = np.where(frame['method'] == 'ours', frame['fold'], (frame['subject'].str[1:].astype(int) % 5))
    found = analysed(frame, proposed='ours')
    assert found['folds']['shared'] is False
    assert found['sensitivity'][0]['rows'][0]['reading'] is None


def test_the_corrected_resampled_t_of_folds():
    frame = crossvalidated()
    means = frame.groupby(['repetition', 'fold', 'method'])['error'].mean().unstack('method')
    d = means['ours'] - means['theirs']
    row = analysed(frame, proposed='ours')['sensitivity'][0]['rows'][0]
    half = t_quantile(0.025, 14) * np.sqrt((1 / 15 + 1 / 4) * d.var())
    assert row['estimate'] == pytest.approx(d.mean()) and row['ci_high'] - row['estimate'] == pytest.approx(half)
    assert fold_means(np.array([[0, 1, 0]]), np.array([[1.0, 5.0, 3.0]])).tolist() == [[2.0, 5.0]]


def test_one_repetition_says_nothing_of_more():
    content = analysed(crossvalidated(repetitions=1, difference=0.01), proposed='ours')
    plan = next(one for one in content['planning'] if one['endpoint'] == 'ME')
    assert plan['seeds_needed'] is None and plan['images_needed'] > 20
    assert "can't be told from one" in content['statements'][0]['text']
    several = analysed(crossvalidated(difference=0.01), proposed='ours')['planning'][0]
    grid = {one['n_seeds']: one['se'] for one in several['grid']}
    assert grid[3] == pytest.approx(planned(analysed(crossvalidated(difference=0.01), proposed='ours'))['se'])
    assert grid[50] < grid[3]


def test_the_page_is_told_how_often_the_rule_errs():
    content = analysed(crossvalidated(repetitions=5, persons=30), proposed='ours')
    low, high = LEVELS[5, 5]
    assert content['folds']['level'] == {'low': low, 'high': high}
    assert any(f'{100 * high:.1f} % of suites' in note and 'In simulations' in note for note in content['notes'])
    other = analysed(crossvalidated(), proposed='ours')
    assert other['folds']['level'] is None and any('was not simulated' in note for note in other['notes'])


# Bad input


def moved(frame, rows, **values):
    frame = frame.copy()
    for name, value in values.items():
        frame.loc[rows, name] = value
    return frame


FRAME = crossvalidated()
FIRST = (FRAME['method'] == 'ours') & (FRAME['repetition'] == 0)


@pytest.mark.parametrize('frame, problem', [
    (moved(FRAME, FIRST & (FRAME['image'] == 'p03_1'), fold=(FRAME['fold'] + 1) % 5),
     'subject p03 is on both sides in repetition 0 of ours: its images are tested in folds'),
    (pd.concat([FRAME, moved(FRAME, FIRST, fold=(FRAME['fold'] + 1) % 5)[FIRST & (FRAME['image'] == 'p03_1')]]),
     'image p03_1 of repetition 0 of ours is tested twice, in folds'),
    (FRAME[~(FIRST & (FRAME['image'] == 'p03_1'))], 'image p03_1 never tested in repetition 0 of ours'),
    (moved(FRAME, FIRST & (FRAME['fold'] == 4), fold=3), 'ours has test images in 4 folds of repetition 0, and in 5'),
    (FRAME.assign(fold=0), 'one fold only'),
])
def test_tables_that_are_no_cross_validation_are_refused(frame, problem):
    with pytest.raises(TableError, match='field fold') as caught:
        validate(frame)
    assert problem in str(caught.value) and '\n' not in str(caught.value)


@pytest.mark.parametrize('choices, problem', [
    (dict(folds=7), 'folds: 7 were declared and the table has 5'),
    (dict(design='paired'), 'design: paired is a design of seeds'),
    (dict(sequential=dict(max_seeds=9)), 'sequential: looks add seeds'),
    (dict(folds=1), 'folds: 1 is not a whole number of at least 2')])
def test_declarations_that_do_not_fit_are_refused(choices, problem):
    with pytest.raises(TableError, match=problem):
        analysed(FRAME, **choices)


def test_more_folds_than_persons_are_refused():
    together = FRAME.rename(columns={'repetition': 'seed'}).drop(columns='fold')
    with pytest.raises(TableError, match='25 folds and 20 subjects'):
        analysed(together, folds=25)


def test_folds_of_which_repetitions_cant_be_told_are_refused():
    frame = crossvalidated(repetitions=2)
    seeds = folds_as_seeds(frame)
    order = [0, 5, 1, 6, 7, 2, 3, 9, 8, 4]
    with pytest.raises(TableError, match='add the columns repetition and fold'):
        validate(seeds.assign(seed=seeds['seed'].map(dict(enumerate(order)))))
