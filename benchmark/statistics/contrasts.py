"""Differences between methods: two scopes, families with their adjustment, verdicts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, SupportsFloat

import numpy as np

from .crossed import contrast
from .estimates import Estimate
from .families import Pool, adjusted, half_width, pool
from .folds import NO_NETWORKS
from .options import Options
from .rank_tests import holm
from .scores import Scores
from .sequential.repeated import Looked
from .terms import (
    BEYOND,
    EQUIVALENT,
    INCONCLUSIVE,
    INFERIOR,
    INFERIOR_RELEVANT,
    NETWORKS,
    NON_INFERIOR,
    NOT_ESTIMABLE,
    PAIRED,
    PLANNED,
    PROCEDURE,
    SCOPES,
    SUPERIOR,
    SUPERIOR_RELEVANT,
    UNCLEAR,
    WITHIN,
    Design,
    Scope,
)


def contrasts(scores: Scores, condition: str, family: str, pairs: Sequence[tuple[str, str]],
              options: Options, endpoints: Sequence[str] | None = None,
              looked: Looked | None = None) -> list[dict[str, Any]]:
    """All contrasts of a family; p-values are adjusted within endpoint and scope.

    Networks: Holm. Procedures: Holm or the either key (:mod:`.families`).

    Args:
        scores: The condition's scores.
        condition: Its name.
        family: ``planned``, ``all pairs``, ``other condition``, ``success rates`` or ``one unit``.
        pairs: Pairs of methods (a, b).
        options: Design, margins, level.
        endpoints: Which endpoints, where there are such; None: those that are tested.
        looked: Looks that were declared; what is said of procedures then holds over all of them, by Holm.
    """
    found: list[dict[str, Any]] = []
    alpha, design = options.alpha, options.design
    names = scores.endpoints(options.measures.tested if endpoints is None else endpoints)
    # Contrasts of one family over all endpoints go by Holm: what seeds say together is known within an endpoint alone.
    together = _over_endpoints(scores, names, pairs, options) if options.one_family and family == PLANNED else {}
    for endpoint in names:
        blocks = [scores.pair(endpoint, a, b, design) for a, b in pairs]
        seeds = [[block.n_seeds for block in both] for both in blocks]
        n_units = scores.block(endpoint, scores.methods[0]).n_images
        for scope in SCOPES:
            estimates = [contrast(*both, scope, design) for both in blocks]
            tests = max(1, sum(not np.isnan(one.se) for one in estimates))
            if together:
                tests = max(1, sum(not math.isnan(p) for (_, own), p in together.items() if own[0] == scope))
            Estimate.together(estimates, [1 - alpha, 1 - 2 * alpha, 1 - alpha / tests])
            pooled = pool_of(scores, endpoint, design) if scope == PROCEDURE and tests > 1 and not together else None
            corrected = adjusted(estimates, seeds, pooled).tolist() if pairs else []
            if together:
                corrected = [together[endpoint, (scope, *pair)] for pair in pairs]
            if looked is not None and scope == PROCEDURE:
                at_looks = [looked.repeated(one, a, b, counts)
                            for (a, b), one, counts in zip(pairs, estimates, seeds, strict=True)]
                estimates, pooled, corrected = [*at_looks], None, holm([one.reached for one in at_looks])
            for (a, b), one, counts, p_adjusted in zip(pairs, estimates, seeds, corrected, strict=True):
                low, high = one.interval(1 - alpha)
                inner_low, inner_high = one.interval(1 - 2 * alpha)
                wide = half_width(one, counts, pooled, alpha, tests)
                verdict = judge(one, p_adjusted, endpoint, options)
                found.append({
                    'condition': condition, 'family': family, 'endpoint': endpoint, 'scope': scope, 'a': a, 'b': b,
                    'estimate': one.estimate, 'se': one.se, 'df': one.df, 't': one.t, 'p': one.p,
                    'p_adjusted': p_adjusted, 'ci_low': low, 'ci_high': high,
                    'ci_low_simultaneous': one.estimate - wide, 'ci_high_simultaneous': one.estimate + wide,
                    'ci_low_equivalence': inner_low, 'ci_high_equivalence': inner_high,
                    'p_false_claim': worse_or_equal(one, options.measures.lower(endpoint)), 'verdict': verdict.verdict,
                    'relevance': verdict.relevance, 'margin': options.margin.get(endpoint),
                    'n_seeds': counts, 'n_units': n_units, 'reason': why_not(one, scope, counts, n_units, scores.folds),
                    'bound': bound(one, scores, endpoint, a, b, options),
                })
    return found


def _over_endpoints(scores: Scores, endpoints: Sequence[str], pairs: Sequence[tuple[str, str]],
                    options: Options) -> dict[tuple[str, tuple[str, str, str]], float]:
    """Endpoint, scope and pair -> p by Holm over all endpoints and pairs of the scope."""
    found: dict[tuple[str, tuple[str, str, str]], float] = {}
    for scope in SCOPES:
        keys = [(endpoint, (scope, *pair)) for endpoint in endpoints for pair in pairs]
        own = [float(contrast(*scores.pair(endpoint, a, b, options.design), scope, options.design).p)
               for endpoint, (_, a, b) in keys]
        found.update(zip(keys, holm(own), strict=True))
    return found


def tests_of(scores: Scores, pairs: Sequence[tuple[str, str]], options: Options,
             looked: Looked | None) -> dict[str, str]:
    """Which tests the planned contrasts have, and how p-values of their family are adjusted, see :func:`contrasts`."""
    keys = len(pairs) > 1 and looked is None and not options.one_family
    keys = keys and pool_of(scores, scores.primary, options.design) is not None
    return {PROCEDURE: 'corrected t' if scores.folds else 'two-part', NETWORKS: 'paired t',
            'adjusted': 'Holm or either key' if keys else 'Holm',
            'family': 'all endpoints' if options.one_family else 'endpoint'}


def pool_of(scores: Scores, endpoint: str, design: Design) -> Pool | None:
    """What the seeds of all methods of a condition say together; None where that is not used."""
    if scores.folds or (design == PAIRED and
                        len({tuple(seeds) for seeds in scores.seeds.values() if len(seeds) > 1}) > 1):
        return None
    blocks = [scores.block(endpoint, method) for method in scores.methods]
    return pool([block.values.mean(axis=-1) for block in blocks], blocks[0].n_images, design)


@dataclass(frozen=True)
class Judgement:
    """A verdict, and where the difference lies: ``beyond`` or ``within`` the margin, ``unclear``, None without one."""

    verdict: str
    relevance: str | None


def judge(one: Estimate, p_adjusted: float, endpoint: str, options: Options) -> Judgement:
    """The verdict on a against b.

    superior: adjusted p below alpha and the interval on a's side of 0; *and relevant*: the whole interval beyond the
    margin. inferior: the same for b. equivalent: the 1 - 2 alpha interval lies within the margin (two one-sided tests,
    Schuirmann 1987). non-inferior: the 1 - alpha interval stays on a's side of -margin. Else inconclusive.
    """
    return judged(one, p_adjusted, options.margin.get(endpoint), options.measures.lower(endpoint), options.alpha)


def judged(one: Estimate, p_adjusted: float, margin: float | None, lower: bool, alpha: float) -> Judgement:
    """:func:`judge` by a margin, or without one (None), where smaller values are better, or not (``lower``)."""
    if math.isnan(one.se):
        return Judgement(NOT_ESTIMABLE, None)
    low, high = advantage(one.interval(1 - alpha), lower)
    inner_low, inner_high = advantage(one.interval(1 - 2 * alpha), lower)
    relevance = None
    if margin is not None:
        outside = p_adjusted < alpha and (low > margin or high < -margin)
        within = -margin < inner_low and inner_high < margin
        relevance = BEYOND if outside else WITHIN if within else UNCLEAR
    if p_adjusted < alpha and low > 0:
        return Judgement(SUPERIOR_RELEVANT if relevance == BEYOND else SUPERIOR, relevance)
    if p_adjusted < alpha and high < 0:
        return Judgement(INFERIOR_RELEVANT if relevance == BEYOND else INFERIOR, relevance)
    if relevance == WITHIN:
        return Judgement(EQUIVALENT, relevance)
    if margin is not None and low > -margin:
        return Judgement(NON_INFERIOR, relevance)
    return Judgement(INCONCLUSIVE, relevance)


def advantage(interval: Iterable[SupportsFloat], lower: bool) -> tuple[float, float]:
    """An interval of a - b, turned so that positive values speak for a; lower: whether smaller values are better."""
    low, high = map(float, interval)
    return (-high, -low) if lower else (low, high)


def worse_or_equal(one: Estimate, lower: bool) -> float:
    """P(a is not better than b | data): the probability that the claim is false, whatever the data look like."""
    below = float(one.below(0.0))
    return 1 - below if lower else below


def why_not(one: Estimate, scope: Scope, n_seeds: Sequence[int], n_units: int,
            folds: int | None = None) -> str | None:
    """Why there is no standard error; None where there is one."""
    if not math.isnan(one.se):
        return None
    if n_units < 2:
        return 'one image only: nothing can be said about others'
    if folds and scope == NETWORKS:
        return NO_NETWORKS
    if scope == PROCEDURE and min(n_seeds) < 2 and not folds:
        return 'one seed only: the training procedure cannot be judged from a single run of it'
    return 'all differences between the images are equal: there is no variance to judge by'


def bound(one: Estimate, scores: Scores, endpoint: str, a: str, b: str, options: Options) -> float | None:
    """Where a and b have the same share on every image: what share of images can differ at most.

    The exact one-sided bound for 0 of N, 1 - alpha^(1/N), about 3/N at 5 % (Clopper and Pearson 1934). It is
    conditional on the networks.
    """
    if not options.measures.share(endpoint) or not math.isnan(one.se):
        return None
    first, second = scores.block(endpoint, a), scores.block(endpoint, b)
    if abs(first.images - second.images).max() > 0:
        return None
    return float(1 - options.alpha ** (1 / first.n_images))


def all_pairs(methods: Sequence[str]) -> list[tuple[str, str]]:
    """Every pair once, in the order of the methods."""
    return [*combinations(methods, 2)]
