"""What must hold of verdicts, intervals and adjusted p-values, for any data."""

import math

import numpy as np
import pytest
from drawn import LEVELS, family, quick, same, tables
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from benchmark.statistics import Estimate, Options, holm
from benchmark.statistics.contrasts import advantage, judge
from benchmark.statistics.measures import ERRORS
from benchmark.statistics.rank_tests import benjamini_hochberg
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

SUPERIORS, INFERIORS = (SUPERIOR, SUPERIOR_RELEVANT), (INFERIOR, INFERIOR_RELEVANT)


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
        good_low, good_high = advantage((one['ci_low'], one['ci_high']), ERRORS.lower(one['endpoint']))
        better = (one['estimate'] < 0) == ERRORS.lower(one['endpoint'])
        if verdict in SUPERIORS:
            assert good_low > 0 and better and one['p_adjusted'] < alpha and one['p_false_claim'] < alpha / 2
            assert (verdict == SUPERIOR_RELEVANT) == (good_low > margin)
        elif verdict in INFERIORS:
            assert good_high < 0 and not better and one['p_adjusted'] < alpha and one['p_false_claim'] > 1 - alpha / 2
            assert (verdict == INFERIOR_RELEVANT) == (good_high < -margin)
        else:
            assert one['p_adjusted'] >= alpha or good_low <= 0 <= good_high
        inside = -margin < one['ci_low_equivalence'] and one['ci_high_equivalence'] < margin
        if one['scope'] == 'networks':
            half = stats.t.isf(alpha, one['df']) * one['se']
            same(one['ci_low_equivalence'], one['estimate'] - half)
            same(one['ci_high_equivalence'], one['estimate'] + half)
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
    better = (estimate < 0) == ERRORS.lower(endpoint)
    assert found.relevance is None
    if abs(float(one.p) - alpha) > 1e-9:
        assert found.verdict == ((SUPERIOR if better else INFERIOR) if one.p < alpha else INCONCLUSIVE)
    same(one.below(0.0), 1 - Estimate(-one.estimate, one.se, one.df).below(0.0))
    same(Estimate(np.float64(0.0), one.se, one.df).below(0.0), 0.5)
