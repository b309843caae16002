"""Tests against published numbers and against R (r/reference.R, whose notes say how exact its numbers are)."""

import json
import math
import shutil
import subprocess

import numpy as np
import pytest
from in_r import REFERENCE, R, cases, close, same_estimate
from scipy import stats

from benchmark.statistics import (
    Estimate,
    Options,
    fixed_seeds_contrast,
    hodges_lehmann,
    holm,
    rank_summary,
    signed_rank,
)
from benchmark.statistics.contrasts import judge
from benchmark.statistics.image_tests import mcnemar_exact
from benchmark.statistics.rank_tests import benjamini_hochberg, nemenyi_cd, nemenyi_p, nemenyi_q, signed_rank_counts
from benchmark.statistics.ranking import kendall_taus, tied_ranks
from benchmark.statistics.scores import Scores
from benchmark.statistics.sensitivity import sensitivity
from benchmark.statistics.terms import EQUIVALENT, INFERIOR, NON_INFERIOR, SUPERIOR

PACKAGES = ('coin', 'lme4', 'lmerTest', 'jsonlite')

# Demsar (2006), Statistical comparisons of classifiers over multiple data sets, JMLR 7, table 6: AUC on 14 data sets of
# C4.5, C4.5+m, C4.5+cf and C4.5+m+cf. Higher is better.
DEMSAR = np.array([
    [0.763, 0.768, 0.771, 0.798],  # adult (sample)
    [0.599, 0.591, 0.590, 0.569],  # breast cancer
    [0.954, 0.971, 0.968, 0.967],  # breast cancer wisconsin
    [0.628, 0.661, 0.654, 0.657],  # cmc
    [0.882, 0.888, 0.886, 0.898],  # ionosphere
    [0.936, 0.931, 0.916, 0.931],  # iris
    [0.661, 0.668, 0.609, 0.685],  # liver disorders
    [0.583, 0.583, 0.563, 0.625],  # lung cancer
    [0.775, 0.838, 0.866, 0.875],  # lymphography
    [1.000, 1.000, 1.000, 1.000],  # mushroom
    [0.940, 0.962, 0.965, 0.962],  # primary tumor
    [0.619, 0.666, 0.614, 0.669],  # rheum
    [0.972, 0.981, 0.975, 0.975],  # voting
    [0.957, 0.978, 0.946, 0.970],  # wine
])
VOTING = 12


def table(a, b):
    """Scores of two methods with errors a and b, each (S, N), far below the threshold."""
    methods = {'a': np.asarray(a, float), 'b': np.asarray(b, float)}
    values = {'ME': methods, 'FR': {name: np.zeros_like(one) for name, one in methods.items()},
              'AUC': {name: 1 - one / 100 for name, one in methods.items()}}
    n_images = methods['a'].shape[1]
    everything = np.ones(n_images, bool)
    return Scores('all', [f'i{k:03}' for k in range(n_images)], [],
                  {name: [*range(len(one))] for name, one in methods.items()}, values,
                  dict.fromkeys(values, everything))


def row(scores, analysis, **options):
    rows = sensitivity(scores, [('a', 'b')], None, Options(threshold=100.0, draws=100, **options))[0]['rows']
    return next(one for one in rows if one['analysis'] == analysis)


def test_demsar_mean_ranks_friedman_and_iman_davenport():
    # Two things reproduce the printed numbers: in 'voting' .975 of C4.5+cf is ranked before the .975 of C4.5+m+cf (they
    # must have differed before rounding), and the printed chi2 = 9.28 has no correction for the ties that remain, which
    # ours has.
    errors = 1 - DEMSAR
    errors[VOTING, 3] += 1e-6
    found = rank_summary(errors)
    assert np.round(found.mean_ranks, 3).tolist() == [3.143, 2.000, 2.893, 1.964]
    n, k = errors.shape
    # iris, lung cancer, primary tumor: a pair each; mushroom: all four.
    ties = 3 * (2**3 - 2) + (4**3 - 4)
    chi2 = found.chi2 * (1 - ties / (n * k * (k**2 - 1)))
    assert round(chi2, 2) == 9.28
    assert round((n - 1) * chi2 / (n * (k - 1) - chi2), 2) == 3.69
    assert found.chi2 == pytest.approx(stats.friedmanchisquare(*errors.T).statistic, rel=1e-12)
    assert found.f == pytest.approx((n - 1) * found.chi2 / (n * (k - 1) - found.chi2), rel=1e-12)
    assert found.critical_difference == nemenyi_cd(4, 14)


def test_demsar_with_the_tie_as_printed_differs_in_two_mean_ranks():
    found = rank_summary(1 - DEMSAR)
    assert np.round(found.mean_ranks, 3).tolist() == [3.143, 2.000, 2.929, 1.929]


def test_demsar_critical_differences_and_critical_values():
    # He prints CD = 1.25 and 1.12, computed from q = 2.569 and 2.291 (table 5).
    assert round(nemenyi_cd(4, 14, 0.05), 4) == 1.2536 and round(nemenyi_cd(4, 14, 0.10), 4) == 1.1181
    assert round(nemenyi_q(7), 5) == 2.94832
    table_5 = {0.05: [1.960, 2.343, 2.569, 2.728, 2.850, 2.949, 3.031, 3.102, 3.164],
               0.10: [1.645, 2.052, 2.291, 2.459, 2.589, 2.693, 2.780, 2.855, 2.920]}
    for alpha, printed in table_5.items():
        assert [nemenyi_q(k, alpha) for k in range(2, 11)] == pytest.approx(printed, abs=1.1e-3)


# Exact tests of more than 50 images and continuity corrections are not offered.
@cases('wilcoxon', lambda case: not (case['exact'] and case['n'] > 50 or case['correct']))
def test_signed_rank_agrees_with_wilcox_test(case):
    found = signed_rank(np.array(case['x']), case['level'])
    assert (found.n, found.exact) == (case['n'] - case['zeros'], case['exact'])
    close(found.p, case['p'])
    close(found.rank_biserial, case['rank_biserial'])
    close(found.pseudomedian, case['hodges_lehmann_all'])
    nonzero = np.array(case['x'])[np.array(case['x']) != 0]
    close(hodges_lehmann(nonzero, case['level'])[1], case['hodges_lehmann'])


@cases('wilcoxon', lambda case: case['exact'] and case['n'] <= 50)
def test_hodges_lehmann_interval_up_to_50_images_agrees_with_wilcox_test(case):
    low, middle, high, coverage = hodges_lehmann(np.array(case['x']), case['level'])
    close([low, middle, high], [case['interval'][0], case['hodges_lehmann'], case['interval'][1]])
    # The number of sign patterns, counted another way: subsets of the ranks by their sum.
    n = case['n']
    subsets = np.zeros(n * (n + 1) // 2 + 1)
    subsets[0] = 1
    for rank in range(1, n + 1):
        subsets[rank:] += subsets[:-rank].copy()
    assert signed_rank_counts(n).tolist() == subsets.tolist()
    place = 1 + np.flatnonzero(np.cumsum(subsets) / 2**n <= (1 - case['level']) / 2)[-1]
    assert coverage == pytest.approx(1 - 2 * subsets[:place].sum() / 2**n, rel=1e-12) and coverage >= case['level']


def test_hodges_lehmann_interval_of_100_images_agrees_with_wilcox_test():
    case = REFERENCE['wilcoxon']['asymptotic_100']
    low, _, high, coverage = hodges_lehmann(np.array(case['x']))
    # R's root may stop a step of the statistic away: the ends are the same Walsh averages, or their neighbours.
    walsh = np.sort(np.add.outer(case['x'], case['x'])[np.tril_indices(case['n'])] / 2)
    for end, expected in zip((low, high), case['interval'], strict=True):
        place = np.searchsorted(walsh, expected - 1e-9)
        assert walsh[place - 1] - 1e-9 <= end <= walsh[place + 1] + 1e-9
    assert coverage == 0.95


# Pratt's way with zeros is not offered.
@cases('coin_signed_rank', lambda case: case['zero_method'] == 'wilcoxon')
def test_signed_rank_agrees_with_coin(case):
    found = signed_rank(np.array(case['x']))
    close(found.p, case['p_exact'] if found.exact else case['p_asymptotic'])
    assert np.sign(found.rank_biserial) == np.sign(case['z'])


@cases('p_adjust')
def test_holm_and_benjamini_hochberg_agree_with_p_adjust(case):
    close(holm(case['p']), case['holm'], 1e-12)
    close(benjamini_hochberg(case['p']), case['bh'], 1e-12)


@cases('friedman')
def test_rank_summary_agrees_with_friedman_test(case):
    found = rank_summary(np.array(case['y']))
    close(found.mean_ranks, case['mean_ranks'])
    close([found.chi2, found.chi2_p, found.kendall_w], [case['chi2'], case['p'], case['kendall_w']])
    close([found.f, found.f_p], [case['iman_davenport_f'], case['iman_davenport_p']], 1e-9)
    close(tied_ranks(np.array(case['y'])).mean(axis=0), case['mean_ranks'])


def test_nemenyi_agrees_with_ptukey():
    for critical in REFERENCE['nemenyi']['critical']:
        found = [nemenyi_q(k, critical['alpha']) for k in critical['k']]
        assert found == pytest.approx(critical['q_over_sqrt2'], abs=1e-7)
    for one in REFERENCE['nemenyi']['critical_difference']:
        assert nemenyi_cd(one['k'], one['n'], one['alpha']) == pytest.approx(one['critical_difference'], abs=1e-7)
    grid = REFERENCE['nemenyi']['ptukey']
    for q, k, p in zip(grid['q'], grid['k'], grid['p'], strict=True):
        difference = q / math.sqrt(2) * math.sqrt(k * (k + 1) / (6 * 40))
        assert nemenyi_p(difference, k, 40) == pytest.approx(p, abs=1e-7)
        assert nemenyi_p(-difference, k, 40) == nemenyi_p(difference, k, 40)


@pytest.mark.parametrize('case', REFERENCE['mcnemar_exact'], ids=lambda case: f'{case["b"]} and {case["c"]}')
def test_exact_mcnemar_agrees_with_binom_test(case):
    close(mcnemar_exact(case['b'], case['c']), case['p'])


@cases('kendall')
def test_kendall_tau_b_agrees_with_cor_test(case):
    x, y = np.array(case['x'], float), np.array(case['y'], float)
    close(kendall_taus(x, np.stack([y, x])), [case['tau'], 1.0], 1e-12)


@pytest.mark.parametrize('name', ['welch_3_3', 'welch_5_4'])
def test_welch_on_seed_means_agrees_with_t_test(name):
    case = REFERENCE['t_tests'][name]
    spread = np.array([-0.2, -0.1, 0.1, 0.2])  # leaves the seeds' means
    a, b = (np.array(case[side])[:, None] + spread for side in 'ab')
    found = row(table(a, b), 'Welch t on seed means')
    close([found['estimate'], found['p'], found['ci_low'], found['ci_high']],
          [case['estimate'], case['p'], *case['interval_95']])


@pytest.mark.parametrize('name', ['paired_3', 'paired_5'])
def test_paired_t_on_seed_means_agrees_with_t_test(name):
    case = REFERENCE['t_tests'][name]
    spread = np.array([-0.2, -0.1, 0.1, 0.2])
    a, b = (np.array(case[side])[:, None] + spread for side in 'ab')
    found = row(table(a, b), 'paired t on seed means', design='paired')
    close([found['estimate'], found['p'], found['ci_low'], found['ci_high']],
          [case['estimate'], case['p'], *case['interval_95']])
    # The same as fixed networks, with seeds in the place of images.
    same_estimate(fixed_seeds_contrast(np.array([case['a']]), np.array([case['b']])), case, 1e-10)


@cases('tost')
def test_equivalence_is_two_one_sided_tests(case):
    one = fixed_seeds_contrast(np.array([case['a']], float), np.array([case['b']], float))
    margin = case['margin']
    close(one.interval(0.90), case['interval_90'], 1e-10, 1e-12)
    p = [case['p_above_minus_margin'], case['p_below_margin']]
    close([one.below(-margin), 1 - one.below(margin)], p, 1e-8, 1e-13)
    both = max(p) < 0.05
    # With a Holm p of 1 nothing is superior, and the verdict rests on the margin alone.
    found = judge(one, 1.0, 'ME', Options(margin={'ME': margin}))
    assert (found.verdict == EQUIVALENT) == both == (found.relevance == 'within')


def test_equivalence_flips_where_the_larger_one_sided_p_passes_alpha():
    case = REFERENCE['tost']['hundred']
    one = fixed_seeds_contrast(np.array([case['a']], float), np.array([case['b']], float))
    edge = max(map(abs, case['interval_90']))
    for margin, verdict in ((edge * (1 + 1e-6), EQUIVALENT), (edge * (1 - 1e-6), NON_INFERIOR)):
        turned = Estimate(-one.estimate, one.se, one.df)  # lower, so that non-inferior is what remains
        assert judge(turned, 1.0, 'ME', Options(margin={'ME': margin})).verdict == verdict
    assert judge(one, float(one.p), 'ME', Options(margin={'ME': edge * (1 + 1e-6)})).verdict == INFERIOR
    assert judge(one, float(one.p), 'AUC', Options(margin={'AUC': edge * (1 + 1e-6)})).verdict == SUPERIOR


def leaves(value, path=''):
    if isinstance(value, dict):
        return {place: leaf for key, item in value.items() for place, leaf in leaves(item, f'{path}.{key}').items()}
    if isinstance(value, list):
        return {place: leaf for key, item in enumerate(value) for place, leaf in leaves(item, f'{path}[{key}]').items()}
    return {path: value}


def test_r_still_gives_the_stored_reference():
    command = shutil.which('Rscript')
    if command is None:
        pytest.skip('Rscript is not installed')
    asked = f'cat(setdiff(c{PACKAGES}, rownames(installed.packages())))'
    lacking = subprocess.run([command, '-e', asked], capture_output=True, text=True, timeout=60).stdout.split()
    if lacking:
        pytest.skip(f'R packages {", ".join(lacking)} are not installed')
    run = subprocess.run([command, 'reference.R'], cwd=R, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr[-2000:]
    found, stored = leaves(json.loads(run.stdout)), leaves(REFERENCE)
    assert found.keys() == stored.keys()
    for path, expected in stored.items():
        if path.startswith('.made_with'):
            continue
        if isinstance(expected, float):
            iterated = any(part in path for part in ('.lmer.', '.components.'))
            assert found[path] == pytest.approx(expected, rel=1e-6 if iterated else 1e-8, abs=1e-10), path
        else:
            assert found[path] == expected, path
