"""What must hold for any data: order, names, units and signs change what they must and nothing else."""

import json
import math

import numpy as np
import pytest
from drawn import DESIGNS, LEVELS, THRESHOLD, family, few, frame, is_settled, numbers, parts, quick, same, tables
from hypothesis import assume, given
from hypothesis import strategies as st

from benchmark.statistics import (
    Options,
    analyze,
    auc_scores,
    crossed_contrast,
    crossed_mean,
    failures,
    fixed_seeds_contrast,
    fixed_seeds_mean,
    validate,
    write_analysis,
)
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

SWAPPED = {SUPERIOR: INFERIOR, SUPERIOR_RELEVANT: INFERIOR_RELEVANT, INFERIOR: SUPERIOR,
           INFERIOR_RELEVANT: SUPERIOR_RELEVANT, EQUIVALENT: EQUIVALENT, NOT_ESTIMABLE: NOT_ESTIMABLE}

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
