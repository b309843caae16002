"""What must hold for any data."""

import json
import math
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from benchmark.statistics import (
    Block,
    Estimate,
    Options,
    analyze,
    auc_scores,
    crossed_contrast,
    crossed_mean,
    failures,
    fixed_seeds_contrast,
    fixed_seeds_mean,
    hodges_lehmann,
    holm,
    rank_summary,
    signed_rank,
    validate,
    write_analysis,
)
from benchmark.statistics.contrasts import advantage, contrasts, judge
from benchmark.statistics.crossed import mean_squares
from benchmark.statistics.endpoints import lower_is_better
from benchmark.statistics.planning import MOST_SEEDS, Components, contrast_components, planning
from benchmark.statistics.rank_tests import benjamini_hochberg
from benchmark.statistics.ranking import _scheme_scores, _weighted_median, tied_ranks
from benchmark.statistics.resampling import WeightDraws, bootstrap_means, image_weights, seed_weights
from benchmark.statistics.scores import Scores
from benchmark.statistics.terms import (
    EQUIVALENT,
    INCONCLUSIVE,
    INFERIOR,
    INFERIOR_RELEVANT,
    NON_INFERIOR,
    NOT_ESTIMABLE,
    SUPERIOR,
    SUPERIOR_RELEVANT,
)

quick = settings(max_examples=settings().max_examples * 2 // 5)
few = settings(max_examples=max(3, quick.max_examples // 5))

DESIGNS = st.sampled_from(['nested', 'paired'])
LEVELS = st.sampled_from([0.01, 0.05, 0.2])
SWAPPED = {SUPERIOR: INFERIOR, SUPERIOR_RELEVANT: INFERIOR_RELEVANT, INFERIOR: SUPERIOR,
           INFERIOR_RELEVANT: SUPERIOR_RELEVANT, EQUIVALENT: EQUIVALENT, NOT_ESTIMABLE: NOT_ESTIMABLE}
SUPERIORS, INFERIORS = (SUPERIOR, SUPERIOR_RELEVANT), (INFERIOR, INFERIOR_RELEVANT)
THRESHOLD = 1.2


@st.composite
def tables(draw, methods=2, least_seeds=1, most_seeds=5, least_images=2, most_images=12, equal_seeds=True, coarse=True):
    """Errors (S, N) of each method; half of them on a coarse grid, with ties, zeros and equal columns."""
    n_images = draw(st.integers(least_images, most_images))
    seeds = [draw(st.integers(least_seeds, most_seeds)) for _ in range(1 if equal_seeds else methods)] * methods
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    grid = coarse and draw(st.booleans())
    found = []
    for method in range(methods):
        shape = (seeds[method], n_images)
        if grid:
            found.append(draw(hnp.arrays(np.float64, shape, elements=st.integers(0, 9).map(lambda k: k / 4))))
        else:
            image, seed = rng.gamma(4, 0.25, n_images), rng.normal(0, draw(st.sampled_from([0.0, 0.05, 0.3])), shape[0])
            found.append(np.abs(image + seed[:, None] + rng.normal(0, 0.3, shape) + 0.1 * method))
    return found


def is_settled(*tables_):
    """Not exactly where the seeds' share of the variance begins: there rounding decides on the degrees of freedom."""
    for values in tables_:
        squares = mean_squares(values)
        if squares.n_seeds > 1 and squares.n_images > 1:
            size = np.abs(values).max() ** 2 + 1e-300
            if abs(float(squares.seed - squares.residual)) < 1e-9 * size and float(squares.residual) > 1e-12 * size:
                return False
    return True


def parts(a, b, design):
    return [a - b] if design == 'paired' else [a, b]


def numbers(one):
    return np.array([one.estimate, one.se, one.df, one.t, one.p, *one.interval(0.95)], float)


def same(found, expected, tolerance=1e-12):
    assert np.asarray(found, float) == pytest.approx(np.asarray(expected, float), rel=tolerance, abs=tolerance,
                                                     nan_ok=True)


def scores_of(errors, threshold=THRESHOLD):
    """Scores of one condition, method -> errors (S, N)."""
    n_images = next(iter(errors.values())).shape[1]
    values = {'ME': errors, 'FR': {name: failures(one, threshold) for name, one in errors.items()},
              'AUC': {name: auc_scores(one, threshold) for name, one in errors.items()}}
    return Scores('all', [f'i{k:02}' for k in range(n_images)], [],
                  {name: [*range(len(one))] for name, one in errors.items()}, values,
                  dict.fromkeys(values, np.ones(n_images, bool)))


def family(errors, options, threshold=THRESHOLD, pairs=None):
    names = [*errors]
    pairs = pairs or [(names[0], name) for name in names[1:]]
    return contrasts(scores_of(errors, threshold), 'all', 'planned', pairs, options)


def frame(errors):
    return pd.DataFrame([(name, seed, f'i{image:02}', value) for name, values in errors.items()
                         for seed, row in enumerate(values) for image, value in enumerate(row)],
                        columns=['method', 'seed', 'image', 'error'])


FIGURES = ('estimate', 'se', 'df', 't', 'p', 'p_adjusted', 'ci_low', 'ci_high', 'ci_low_simultaneous',
           'ci_high_simultaneous', 'p_false_claim')


def figures(one):
    return [math.nan if one[key] is None else float(one[key]) for key in FIGURES]


def permute(rng, a, b, design):
    """Both tables with images and seeds in another order; in a paired design seeds are permuted together."""
    images = rng.permutation(a.shape[1])
    seeds_a = rng.permutation(len(a))
    seeds_b = seeds_a if design == 'paired' else rng.permutation(len(b))
    return a[seeds_a][:, images], b[seeds_b][:, images]


@quick
@given(tables(), DESIGNS, st.integers(0, 99))
def test_the_order_of_seeds_and_images_changes_nothing(errors, design, seed):
    a, b = errors
    assume(is_settled(*parts(a, b, design), a))
    rng = np.random.default_rng(seed)
    other_a, other_b = permute(rng, a, b, design)
    if len(a) > 1:
        same(numbers(crossed_contrast(other_a, other_b, design)), numbers(crossed_contrast(a, b, design)))
        same(numbers(crossed_mean(other_a)), numbers(crossed_mean(a)))
    same(numbers(fixed_seeds_contrast(other_a, other_b)), numbers(fixed_seeds_contrast(a, b)))
    same(numbers(fixed_seeds_mean(other_a)), numbers(fixed_seeds_mean(a)))


def test_the_order_of_images_changes_nothing_where_the_seeds_share_of_the_variance_is_exactly_0():
    # Two, two and no failures in three seeds of 20 images, none of them on the same image: MS_seed = MS_residual. The
    # same happens with a single failure in all, whatever the numbers of seeds and images.
    a, b = np.zeros((3, 20)), np.zeros((3, 20))
    a[0, [9, 15]] = a[1, [7, 12]] = 1
    p = {round(float(crossed_contrast(np.roll(a, (i, j), (0, 1)), b).p), 9) for i in range(3) for j in range(20)}
    assert len(p) == 1  # .042 or .231


@quick
@given(tables(methods=3), st.integers(0, 99))
def test_the_order_of_images_and_methods_changes_no_rank_test(errors, seed):
    rng = np.random.default_rng(seed)
    scores = np.stack([values[0] for values in errors], axis=1)
    images, methods = rng.permutation(len(scores)), rng.permutation(3)
    found, other = rank_summary(scores), rank_summary(scores[images][:, methods])
    same(other.mean_ranks, np.array(found.mean_ranks)[methods])
    same([other.chi2, other.chi2_p, other.f, other.f_p, other.kendall_w, other.critical_difference],
         [found.chi2, found.chi2_p, found.f, found.f_p, found.kendall_w, found.critical_difference], 1e-9)
    difference = scores[:, 0] - scores[:, 1]
    assert repr(signed_rank(difference[images])) == repr(signed_rank(difference))


@quick
@given(tables(methods=3, least_seeds=2, coarse=False), DESIGNS, st.integers(0, 99))
def test_labels_seeds_and_images_change_no_contrast(errors, design, seed):
    rng = np.random.default_rng(seed)
    options = Options(design=design, margin={'ME': 0.1})
    pairs = [('m0', 'm1'), ('m0', 'm2'), ('m2', 'm1')]
    first = family({f'm{k}': values for k, values in enumerate(errors)}, options, pairs=pairs)
    images, seeds = rng.permutation(errors[0].shape[1]), rng.permutation(len(errors[0]))
    names = rng.permutation(['x', 'y', 'z'])
    renamed = {f'm{k}': name for k, name in enumerate(names)}
    moved = {renamed[f'm{k}']: values[seeds][:, images] for k, values in enumerate(errors)}
    for k, values in enumerate(errors):
        assume(is_settled(values, failures(values, THRESHOLD), auc_scores(values, THRESHOLD)))
        for other in errors[:k]:
            assume(is_settled(values - other, failures(values, THRESHOLD) - failures(other, THRESHOLD),
                              auc_scores(values, THRESHOLD) - auc_scores(other, THRESHOLD)))
    order = rng.permutation(3)
    second = family({name: moved[name] for name in sorted(moved)}, options,
                    pairs=[(renamed[pairs[k][0]], renamed[pairs[k][1]]) for k in order])
    found = {(one['endpoint'], one['scope'], one['a'], one['b']): one for one in second}
    for one in first:
        other = found[one['endpoint'], one['scope'], renamed[one['a']], renamed[one['b']]]
        same(figures(other), figures(one), 1e-11)
        assert (other['verdict'], other['relevance']) == (one['verdict'], one['relevance'])


@few
@given(tables(methods=3, equal_seeds=False), st.integers(0, 99))
def test_the_order_of_rows_and_columns_changes_no_byte(errors, seed):
    given_rows = frame({f'm{k}': values for k, values in enumerate(errors)})
    shuffled = given_rows.sample(frac=1, random_state=seed)[given_rows.columns[::-1]]
    options = dict(draws=100, proposed='m1', margin={'ME': 0.1})
    first, second = (write_text(analyze(validate(rows), **options)) for rows in (given_rows, shuffled))
    assert first == second


def write_text(content):
    return json.dumps(content, sort_keys=True)


def test_written_twice_the_bytes_are_the_same(tmp_path):
    rng = np.random.default_rng(0)
    rows = validate(frame({'a': rng.uniform(0, 2, (3, 8)), 'b': rng.uniform(0, 2, (3, 8))}))
    first, second = (write_analysis(tmp_path / name, analyze(rows, draws=300, proposed='a')) for name in ('1', '2'))
    assert first.read_bytes() == second.read_bytes()
    assert analyze(rows, draws=300, proposed='a', seed=1)['ranking'] != json.loads(first.read_text())['ranking']


@quick
@given(tables(methods=3, least_images=3), DESIGNS, LEVELS)
def test_swapping_a_and_b_negates(errors, design, alpha):
    named = {f'm{k}': values for k, values in enumerate(errors)}
    options = Options(design=design, alpha=alpha, margin={'ME': 0.2, 'FR': 0.1, 'AUC': 0.1})
    for k, values in enumerate(errors):
        assume(is_settled(*(score for other in errors[:k] for score in (
            values - other, failures(values, THRESHOLD) - failures(other, THRESHOLD)))))
    first = family(named, options, pairs=[('m0', 'm1'), ('m0', 'm2')])
    second = family(named, options, pairs=[('m1', 'm0'), ('m2', 'm0')])
    for one, other in zip(first, second, strict=True):
        sign = [-1, 1, 1, -1, 1, 1]
        same(figures(other)[:6], np.array(figures(one)[:6]) * sign)
        same([other['ci_low'], other['ci_high']], [-one['ci_high'], -one['ci_low']])
        same([other['ci_low_simultaneous'], other['ci_high_simultaneous']],
             [-one['ci_high_simultaneous'], -one['ci_low_simultaneous']])
        same(other['p_false_claim'], 1 - one['p_false_claim'])
        # Non-inferiority has a direction: the other way round it may hold too, or nothing is settled.
        allowed = [SWAPPED[one['verdict']]] if one['verdict'] in SWAPPED else [INCONCLUSIVE, NON_INFERIOR]
        assert other['verdict'] in allowed and other['relevance'] == one['relevance']


@quick
@given(tables(coarse=False), st.sampled_from([2.0**-7, 0.37, 25.4, 1000.0]), DESIGNS)
def test_a_change_of_unit_leaves_fr_and_auc_and_scales_me(errors, factor, design):
    named = dict(zip('ab', errors, strict=True))
    for name in 'FR', 'AUC':
        score = failures if name == 'FR' else auc_scores
        assume(is_settled(*parts(*(score(values, THRESHOLD) for values in errors), design)))
    margin = {'ME': 0.1, 'FR': 0.1, 'AUC': 0.1}
    first = family(named, Options(design=design, margin=margin))
    second = family({name: values * factor for name, values in named.items()},
                    Options(design=design, threshold=THRESHOLD * factor, margin={**margin, 'ME': 0.1 * factor}),
                    THRESHOLD * factor)
    units = [1, 1, 0, 0, 0, 0, 1, 1, 1, 1, 0]
    for one, other in zip(first, second, strict=True):
        scale = [factor**unit if one['endpoint'] == 'ME' else 1 for unit in units]
        if one['endpoint'] == 'FR':
            assert figures(other) == pytest.approx(figures(one), rel=0, abs=0, nan_ok=True)
        same(np.array(figures(other)) / scale, figures(one), 1e-9)
        assert (other['verdict'], other['relevance']) == (one['verdict'], one['relevance'])


@quick
@given(tables(coarse=False, least_seeds=2), st.sampled_from([0.5, 3.0, 64.0]), DESIGNS)
def test_a_constant_added_to_all_errors_leaves_the_difference(errors, constant, design):
    a, b = errors
    assume(is_settled(*parts(a, b, design)))
    same(numbers(crossed_contrast(a + constant, b + constant, design)), numbers(crossed_contrast(a, b, design)), 1e-8)
    same(numbers(fixed_seeds_contrast(a + constant, b + constant)), numbers(fixed_seeds_contrast(a, b)), 1e-8)
    same(crossed_mean(a + constant).estimate, crossed_mean(a).estimate + constant)


@quick
@given(tables(methods=1), DESIGNS, st.integers(0, 99), st.sampled_from([1e-9, 0.05, 1.0]))
def test_equal_methods_are_never_superior(errors, design, seed, margin):
    a = errors[0]
    shuffled = a[np.random.default_rng(seed).permutation(len(a))]
    for b in (a.copy(), shuffled):
        for one in family({'a': a, 'b': b}, Options(design=design, margin={'ME': margin, 'FR': margin})):
            assert one['verdict'] in (EQUIVALENT, NON_INFERIOR, INCONCLUSIVE, NOT_ESTIMABLE)
            same(one['estimate'], 0)
            assert one['relevance'] != 'beyond' and (math.isnan(one['p']) or one['p'] > 0.999)
            if one['verdict'] != NOT_ESTIMABLE:
                assert one['p_false_claim'] == pytest.approx(0.5, abs=1e-3)


@few
@given(tables(methods=1), st.integers(0, 99))
def test_equal_methods_are_undecided_in_every_analysis(errors, seed):
    content = analyze(validate(frame({'a': errors[0], 'b': errors[0].copy()})), draws=100, proposed='a', seed=seed)
    assert {row['reading'] for row in content['sensitivity'][0]['rows']} <= {None, 'undecided'}
    assert content['sensitivity'][0]['flips'] == 0
    assert content['ranking']['ranks'] == {'a': 1.5, 'b': 1.5} and content['ranking']['ties'] == [['a', 'b']]
    assert content['ranking']['drawn'].get('images', {}).get('methods', {}).get('a', {}).get('p_best') == 0.5


def test_the_same_networks_in_another_order_are_tied_in_rank_tests():
    rows = np.array([[0.1], [0.2], [0.3]]) * np.ones(12)
    content = analyze(validate(frame({'a': rows, 'b': rows[::-1]})), draws=100, proposed='a')
    assert content['ranking']['friedman']['mean_ranks'] == {'a': 1.5, 'b': 1.5}
    assert {row['reading'] for row in content['sensitivity'][0]['rows']} <= {None, 'undecided'}


@quick
@given(st.lists(st.one_of(st.floats(0, 1), st.sampled_from([0.01, 0.02, 0.05])), max_size=12),
       st.integers(0, 99))
def test_adjusted_p_values_are_ordered_and_above_the_raw_ones(p, seed):
    adjusted, rate = holm(p), benjamini_hochberg(p)
    order = np.argsort(p, kind='stable')
    bonferroni = np.minimum(1, np.array(p) * len(p))
    for values in (adjusted, rate):
        assert len(values) == len(p) and all(0 <= value <= 1 for value in values)
        assert np.all(np.array(values) >= np.array(p) - 1e-15)
        assert np.all(np.diff(np.array(values)[order]) >= 0)
    assert np.all(np.array(rate) <= np.array(adjusted) + 1e-12)
    assert np.all(np.array(adjusted) <= bonferroni + 1e-12)
    if p:
        assert adjusted[order[0]] == pytest.approx(bonferroni[order[0]])
        assert rate[order[-1]] == pytest.approx(p[order[-1]])
        moved = np.random.default_rng(seed).permutation(len(p))
        same(holm(np.array(p)[moved]), np.array(adjusted)[moved])
        # What is no test doesn't count as one.
        assert holm([*p, math.nan])[:-1] == adjusted and math.isnan(holm([*p, math.nan])[-1])
        assert benjamini_hochberg([math.nan, *p])[1:] == rate


@quick
@given(tables(methods=4, equal_seeds=False), LEVELS, st.sampled_from([1e-6, 0.05, 0.3]))
def test_verdict_intervals_and_p_values_agree(errors, alpha, margin):
    options = Options(alpha=alpha, margin={'ME': margin, 'FR': margin, 'AUC': margin})
    for one in family({f'm{k}': values for k, values in enumerate(errors)}, options):
        verdict = one['verdict']
        if math.isnan(one['se']):
            assert verdict == NOT_ESTIMABLE and one['relevance'] is None and one['reason']
            assert math.isnan(one['p']) and math.isnan(one['ci_low'])
            continue
        assert one['reason'] is None and one['bound'] is None and verdict != NOT_ESTIMABLE
        assert one['ci_low'] < one['estimate'] < one['ci_high']
        assert one['ci_low_simultaneous'] <= one['ci_low'] and one['ci_high'] <= one['ci_high_simultaneous']
        assert 0 <= one['p_false_claim'] <= 1 and one['p'] <= one['p_adjusted'] <= 1
        good_low, good_high = advantage((one['ci_low'], one['ci_high']), one['endpoint'])
        better = (one['estimate'] < 0) == lower_is_better(one['endpoint'])
        if verdict in SUPERIORS:
            assert good_low > 0 and better and one['p_adjusted'] < alpha and one['p_false_claim'] < alpha / 2
            assert (verdict == SUPERIOR_RELEVANT) == (good_low > margin)
        elif verdict in INFERIORS:
            assert good_high < 0 and not better and one['p_adjusted'] < alpha and one['p_false_claim'] > 1 - alpha / 2
            assert (verdict == INFERIOR_RELEVANT) == (good_high < -margin)
        else:
            assert one['p_adjusted'] >= alpha or good_low <= 0 <= good_high
        half = stats.t.isf(alpha, one['df']) * one['se']
        inside = abs(one['estimate']) + half < margin
        assert (one['relevance'] == 'within') == inside
        if verdict == EQUIVALENT:
            assert inside
        if verdict == NON_INFERIOR:
            assert good_low > -margin and not inside
        if verdict == INCONCLUSIVE:
            assert good_low <= -margin
        # The plain interval excludes 0 exactly where the unadjusted p is below alpha.
        if abs(one['p'] - alpha) > 1e-9:
            assert (one['p'] < alpha) == (one['ci_low'] > 0 or one['ci_high'] < 0)


@quick
@given(st.floats(-3, 3), st.floats(0.01, 3), st.floats(1, 500), st.sampled_from(['ME', 'AUC']), LEVELS)
def test_without_a_margin_nothing_is_said_about_relevance(estimate, se, df, endpoint, alpha):
    one = Estimate(np.float64(estimate), np.float64(se), np.float64(df))
    found = judge(one, float(one.p), endpoint, Options(alpha=alpha))
    better = (estimate < 0) == lower_is_better(endpoint)
    assert found.relevance is None
    if abs(float(one.p) - alpha) > 1e-9:
        assert found.verdict == ((SUPERIOR if better else INFERIOR) if one.p < alpha else INCONCLUSIVE)
    same(one.below(0.0), 1 - Estimate(-one.estimate, one.se, one.df).below(0.0))
    same(Estimate(np.float64(0.0), one.se, one.df).below(0.0), 0.5)


@quick
@given(st.integers(1, 70), st.booleans(), st.integers(0, 2**32 - 1), st.sampled_from([0.9, 0.95, 0.99]))
def test_hodges_lehmann_is_the_median_of_all_walsh_averages(n, coarse, seed, level):
    rng = np.random.default_rng(seed)
    values = rng.integers(-4, 5, n) / 4 if coarse else rng.normal(0.2, 1, n)
    walsh = np.sort([(values[i] + values[j]) / 2 for i in range(n) for j in range(i, n)])
    low, middle, high, coverage = hodges_lehmann(values, level)
    same(middle, np.median(walsh))
    assert low <= middle <= high
    if n > 50:
        spread = math.sqrt(n * (n + 1) * (2 * n + 1) / 24)
        place = math.floor(n * (n + 1) / 4 - stats.norm.isf((1 - level) / 2) * spread)
        assert coverage == level
    else:
        # The largest C with P(W+ < C) <= (1 - level) / 2, from the distribution of all sums of ranks.
        masses = np.ones(1)
        for rank in range(1, n + 1):
            masses = np.convolve(masses, np.r_[0.5, np.zeros(rank - 1), 0.5])
        below = np.cumsum(masses)
        place = int((below <= (1 - level) / 2 * (1 + 1e-12)).sum())
        assert coverage == pytest.approx(1 - 2 * below[place - 1] if place else 1)
    if place:
        same([low, high], [walsh[place - 1], walsh[-place]])
    else:
        assert (low, high) == (-math.inf, math.inf)


@quick
@given(tables(methods=1, most_seeds=1))
def test_signed_rank_turns_with_the_sign_and_not_with_the_unit(errors):
    difference = errors[0][0] - 1
    found, turned, scaled = signed_rank(difference), signed_rank(-difference), signed_rank(difference * 1000)
    same([turned.p, turned.rank_biserial, turned.pseudomedian, turned.low, turned.high],
         [found.p, -found.rank_biserial, -found.pseudomedian, -found.high, -found.low])
    same([scaled.p, scaled.rank_biserial, scaled.low / 1000], [found.p, found.rank_biserial, found.low], 1e-11)
    assert math.isnan(found.p) == (found.n == 0) == bool(np.all(difference == 0))


def resampled(draw, n, size):
    """Counts of a bootstrap draw of n items, and the items themselves."""
    drawn = np.array(draw(st.lists(st.integers(0, n - 1), min_size=size, max_size=size)))
    return np.bincount(drawn, minlength=n), np.sort(drawn)


@quick
@given(tables(methods=3, least_images=3), st.data())
def test_ranking_schemes_by_weights_are_those_of_resampled_copies(errors, data):
    values = np.stack([table.mean(axis=0) for table in errors])
    n = values.shape[1]
    counts, drawn = resampled(data.draw, n, n)
    copies = values[:, drawn]
    same(_weighted_median(values[None], counts[None] / n)[0], np.median(copies, axis=1))
    found = {name: one for name, (one,) in _scheme_scores(values[None], counts[None] / n, 0.05).items()}
    ranks = stats.rankdata(copies, axis=0)
    same(found['mean then rank'], copies.mean(axis=1))
    same(found['median then rank'], np.median(copies, axis=1))
    same(found['rank then mean'], ranks.mean(axis=1))
    same(found['rank then median'], np.median(ranks, axis=1))
    wins = np.zeros(3)
    for a in range(3):
        for b in range(3):
            difference = copies[a] - copies[b]
            if np.ptp(difference) > 1e-9:
                test = stats.ttest_1samp(difference, 0)
                assume(abs(test.pvalue - 0.05) > 1e-9)
                wins[a] += test.pvalue < 0.05 and test.statistic < 0
            else:
                assume(abs(difference[0]) < 1e-12)
    same(found['test based'], -wins)


@quick
@given(hnp.arrays(np.float64, st.tuples(st.integers(1, 4), st.integers(1, 6)),
                  elements=st.integers(0, 5).map(lambda k: k / 2)), st.integers(0, 99))
def test_tied_ranks_are_average_ranks_and_rounding_ties(means, seed):
    noise = np.random.default_rng(seed).uniform(-1e-14, 1e-14, means.shape)
    assert tied_ranks(means + noise).tolist() == stats.rankdata(means, axis=1).tolist()


def test_ties_end_at_1e_12():
    assert tied_ranks(np.array([[1.0, 1.0 + 1e-13, 2.0, 2.0 + 1e-9]])).tolist() == [[1.5, 1.5, 3, 4]]


@quick
@given(tables(methods=2, equal_seeds=False), st.integers(0, 9), DESIGNS)
def test_bootstrap_means_by_weights_are_means_of_resampled_copies(errors, seed, design):
    named = dict(zip('ab', errors, strict=True))
    n = errors[0].shape[1]
    drawn = WeightDraws(seed, 0, 6, design)
    counts = drawn.images(n) * n
    assert counts == pytest.approx(np.rint(counts), abs=1e-9) and counts.sum(axis=1) == pytest.approx(n)
    found = bootstrap_means({'ME': named}, 6, seed, design)['ME']
    for column, (name, values) in enumerate(named.items()):
        s = len(values)
        weights = drawn.seeds(name, s)
        # Back from the stretched weights to the counts of a plain bootstrap.
        times = np.ones((6, 1)) if s == 1 else 1 + (weights - 1 / s) / math.sqrt(s / (s - 1)) * s
        assert times == pytest.approx(np.rint(times), abs=1e-9) and times.sum(axis=1) == pytest.approx(s)
        for draw in range(6):
            images = np.repeat(np.arange(n), np.rint(counts[draw]).astype(int))
            seeds = np.repeat(np.arange(s), np.rint(times[draw]).astype(int))
            plain, middle = values[seeds][:, images].mean(), values[:, images].mean()
            stretch = math.sqrt(s / (s - 1)) if s > 1 else 1
            same(found[draw, column], middle + stretch * (plain - middle))


@quick
@given(tables(methods=2, equal_seeds=False), st.integers(0, 9))
def test_drawing_images_or_seeds_alone_keeps_the_rest(errors, seed):
    named = dict(zip('ab', errors, strict=True))
    n = errors[0].shape[1]
    drawn = WeightDraws(seed, 0, 5, 'nested')
    images, seeds = (bootstrap_means({'ME': named}, 5, seed, over=[kind])['ME'] for kind in ('images', 'seeds'))
    for column, (name, values) in enumerate(named.items()):
        same(images[:, column], drawn.images(n) @ values.mean(axis=0))
        same(seeds[:, column], drawn.seeds(name, len(values)) @ values.mean(axis=1))


def test_paired_methods_share_their_seeds_and_nested_ones_do_not():
    for design, shared in (('paired', True), ('nested', False)):
        drawn = WeightDraws(0, 0, 50, design)
        assert np.array_equal(drawn.seeds('a', 3), drawn.seeds('b', 3)) == shared


@pytest.mark.parametrize('n_seeds', [2, 3, 4, 5])
def test_stretched_seed_weights_have_the_variance_of_a_mean(n_seeds):
    every = np.array(np.meshgrid(*[range(n_seeds)] * n_seeds)).reshape(n_seeds, -1).T  # all draws, each as likely

    def integers(low, high, size, dtype):
        assert (low, high, size) == (0, n_seeds, every.shape)
        return every.astype(dtype)

    draws = type('Every', (), {'integers': staticmethod(integers)})
    values = np.random.default_rng(n_seeds).normal(size=n_seeds)
    means = seed_weights(draws, len(every), n_seeds) @ values
    assert means.mean() == pytest.approx(values.mean(), abs=1e-12)
    assert means.var() == pytest.approx(values.var(ddof=1) / n_seeds, rel=1e-12)
    plain = image_weights(draws, len(every), n_seeds) @ values
    assert plain.var() == pytest.approx(values.var() / n_seeds, rel=1e-12)


@quick
@given(tables(least_seeds=2, least_images=3), DESIGNS)
def test_the_planner_agrees_with_the_contrast_where_nothing_is_cut_at_zero(errors, design):
    a, b = errors
    found = contrast_components(Block(a), Block(b), design)
    assume(found.interaction > 1e-9 and all(
        mean_squares(values).seed > mean_squares(values).residual for values in parts(a, b, design)))
    s, n = a.shape
    same(found.variance(s, n), float(crossed_contrast(a, b, design).se) ** 2, 1e-9)
    if design == 'paired':
        same(found.df(s, n), crossed_contrast(a, b, design).df, 1e-9)


SIZES = st.floats(1e-3, 10)


@quick
@given(SIZES, SIZES, SIZES, st.sampled_from([1, 2]), st.integers(2, 30), st.integers(10, 500))
def test_more_seeds_find_smaller_differences_down_to_the_floor(interaction, residual, seed, terms, s, n):
    # With fewer than 10 images the seeds' degrees of freedom can help more than their variance harms.
    found = Components(interaction, residual, seed, terms)
    values = [found.detectable(k, n) for k in (s, s + 1, 2 * s, 1e9)]
    assert all(one > two * (1 - 1e-9) for one, two in pairwise(values))
    assert values[-1] >= found.floor(n) * (1 - 1e-9)
    assert values[-1] == pytest.approx(found.floor(n), rel=1e-2)


@quick
@given(SIZES, SIZES, SIZES, st.sampled_from([1, 2]), st.integers(12, 30), st.integers(8, 500))
def test_more_images_find_smaller_differences_down_to_the_floor(interaction, residual, seed, terms, s, n):
    found = Components(interaction, residual, seed, terms)
    values = [found.detectable(s, k) for k in (n, n + 1, 2 * n, 1e9)]
    assert all(one > two * (1 - 1e-4) for one, two in pairwise(values))
    assert values[-1] == pytest.approx(found.image_floor(s), rel=1e-3)
    assert values[0] >= found.image_floor(s) * (1 - 1e-3)


def test_the_floor_is_under_what_any_number_of_images_finds():
    found = Components(interaction=40.0, residual=10.0, seed=0.1, terms=1)
    values = [found.detectable(3, n) for n in (100, 300, 1000, 3000, 10_000, 100_000)]
    assert values[2] < values[-1] and min(values) >= found.image_floor(3) * (1 - 1e-9)


@few
@given(tables(least_seeds=2, least_images=8, coarse=False), DESIGNS, st.sampled_from([None, 0.05, 0.15, 0.4]))
def test_the_numbers_of_seeds_and_images_needed_are_the_least_that_are_enough(errors, design, margin):
    options = Options(design=design, margin={} if margin is None else {'ME': margin})
    scores = scores_of(dict(zip('ab', errors, strict=True)))
    plan = next(one for one in planning(scores, [('a', 'b')], options) if one['endpoint'] == 'ME')
    components = contrast_components(scores.block('ME', 'a'), scores.block('ME', 'b'), design)
    s, n = errors[0].shape
    target = abs((errors[0] - errors[1]).mean()) if margin is None else margin
    assert plan['target'] == pytest.approx(target) and (plan['n_seeds'], plan['n_units']) == (s, n)
    assert plan['detectable'] == pytest.approx(components.detectable(s, n))
    needed = plan['seeds_needed']
    if needed is None:
        assert components.detectable(MOST_SEEDS, n) > target
    else:
        assert components.detectable(needed, n) <= target
        assert all(components.detectable(k, n) > target for k in range(2, min(needed, 60)))
        assert needed == 2 or components.detectable(needed - 1, n) > target
    assert [one['n_seeds'] for one in plan['grid']] == sorted({2, 3, 5, 10, 20, 50, s})
    for one in plan['grid']:
        assert one['se'] == pytest.approx(math.sqrt(components.variance(one['n_seeds'], n)))
        assert one['detectable'] == pytest.approx(components.detectable(one['n_seeds'], n))
    if plan['images_needed'] is not None and s > 5:
        assert components.detectable(s, plan['images_needed']) <= target
        assert plan['images_needed'] == 3 or components.detectable(s, plan['images_needed'] - 1) > target


def test_a_large_difference_needs_two_seeds_and_three_images():
    rng = np.random.default_rng(0)
    a, b = 5 + rng.normal(0, 0.1, (3, 10)), 1 + rng.normal(0, 0.1, (3, 10))
    plan = planning(scores_of({'a': a, 'b': b}), [('a', 'b')], Options())[0]
    assert (plan['seeds_needed'], plan['images_needed']) == (2, 3)
