"""The planned contrasts in each data set, and combined."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..arrays import Floats
from ..contrasts import judged, why_not
from ..crossed import Block, contrast
from ..errors import TableError
from ..estimates import Estimate
from ..rank_tests import holm
from ..resampling import generator
from ..scores import Scores
from ..terms import BETTER, NETWORKS, PLANNED, PROCEDURE, WORSE, Design, Scope
from .effects import FEWEST, heterogeneity, over_fixed, over_random, paule_mandel, predicted, spread_about

RANDOM, FIXED = 'random', 'fixed'
DIFFERENCE, RATIO = 'difference', 'ratio'
#: Draws behind a prediction interval, whatever else draws: an end moves by a percent or two between seeds.
NEW_DRAWS = 100_000
#: What is combined: differences in the unit of the endpoint, or logarithms of ratios of means.
WAYS = (DIFFERENCE, RATIO)


@dataclass(frozen=True)
class DataSet:
    """A data set that has been analysed.

    Attributes:
        scores: Of its main condition.
        analysis: The content of its analysis.json.
    """

    scores: Scores
    analysis: Mapping[str, Any]

    @property
    def design(self) -> Design:
        """``nested``, ``paired`` or ``cross-validation``."""
        found: Design = self.analysis['design']
        return found


@dataclass(frozen=True)
class Rules:
    """What all combined contrasts have in common.

    Attributes:
        alpha: Level.
        margin: Endpoint -> smallest difference that matters: in its unit, or of ratios as a share (0.05: 5 % more).
        lower: Endpoint -> whether smaller values are better.
        way: ``difference`` or ``ratio``.
        together: Whether p-values are adjusted over all endpoints at once.
        seed: Of what is drawn for prediction intervals.
    """

    alpha: float
    margin: Mapping[str, float]
    lower: Mapping[str, bool]
    way: str = DIFFERENCE
    together: bool = False
    seed: int = 0

    def shown(self, value: Floats | float) -> float:
        """A combined number as it is told: of logarithms of ratios, the ratio less 1."""
        return float(np.expm1(value)) if self.way == RATIO else float(value)

    def limit(self, endpoint: str) -> float | None:
        """The margin on the scale that is combined."""
        margin = self.margin.get(endpoint)
        return margin if margin is None or self.way == DIFFERENCE else math.log1p(margin)


def kind_of(data_sets: int) -> str:
    """What so many data sets are: a random sample of others, or these alone."""
    return RANDOM if data_sets >= FEWEST else FIXED


def combined_contrasts(data_sets: Mapping[str, DataSet], endpoints: Sequence[str], pairs: Sequence[tuple[str, str]],
                       rules: Rules) -> list[dict[str, Any]]:
    """All planned contrasts of all endpoints, the primary one first.

    Args:
        data_sets: By name.
        endpoints: That all data sets have.
        pairs: Planned pairs; the contrast is mean(a) - mean(b), or log(mean(a) / mean(b)).
        rules: Level, margins, what is combined.

    Raises:
        TableError: Ratios are asked for of a primary endpoint with means of 0 or below.
    """
    keys = [(endpoint, pair) for endpoint in endpoints for pair in pairs]
    found = [Combined.of(data_sets, endpoint, a, b, rules) for endpoint, (a, b) in keys]
    families = [range(len(found))] if rules.together else [
        [place for place, (own, _) in enumerate(keys) if own == endpoint] for endpoint in endpoints]
    adjusted = _adjusted([one.mean for one in found], families)
    absent = Estimate(*[np.float64(np.nan)] * 3)
    without = {name: _adjusted([one.rests.get(name, absent) for one in found], families) for name in data_sets}
    return [one.described(adjusted[place], {name: several[place] for name, several in without.items()}, rules)
            for place, one in enumerate(found)]


def _adjusted(several: Sequence[Estimate], families: Sequence[Sequence[int]]) -> list[float]:
    """p-values by Holm within families of places."""
    adjusted = [math.nan] * len(several)
    for family in families:
        for place, p in zip(family, holm([float(several[one].p) for one in family]), strict=True):
            adjusted[place] = p
    return adjusted


@dataclass(frozen=True)
class Combined:
    """A contrast over all data sets.

    Attributes:
        endpoint: Its endpoint.
        a: The first method.
        b: The second method.
        scope: Of the contrasts that are combined.
        own: Data set -> its contrast.
        own_verdicts: Data set -> the planned contrast of its analysis.
        mean: The combined one.
        reason: Why there is none.
        rests: Data set -> the combined one without it, as random where all of them are; empty where there is none, and
            with two data sets.
    """

    endpoint: str
    a: str
    b: str
    scope: Scope
    own: Mapping[str, Estimate]
    own_verdicts: Mapping[str, Mapping[str, Any]]
    mean: Estimate
    reason: str | None
    rests: Mapping[str, Estimate]

    @classmethod
    def of(cls, data_sets: Mapping[str, DataSet], endpoint: str, a: str, b: str, rules: Rules) -> Combined:
        """The contrast of a pair by an endpoint."""
        scope: Scope = PROCEDURE if all(one.scores.folds or min(len(one.scores.seeds[name]) for name in (a, b)) > 1
                                        for one in data_sets.values()) else NETWORKS
        own, reason = {}, None
        for name, one in data_sets.items():
            blocks = one.scores.pair(endpoint, a, b, one.design)
            try:
                own[name] = estimate = (contrast if rules.way == DIFFERENCE else ratio)(*blocks, scope, one.design)
            except TableError as error:
                if endpoint == one.scores.primary:
                    raise TableError(f'data set {name}: {endpoint} of {error}; leave --combine ratio out') from None
                own[name] = estimate = Estimate(*[np.float64(np.nan)] * 3)
                reason = reason or f'{name}: mean of {error}'
            if math.isnan(estimate.se):
                seeds = [block.n_seeds for block in blocks]
                reason = reason or f'{name}: {why_not(estimate, scope, seeds, blocks[0].n_images, one.scores.folds)}'
        verdicts = {name: next(found for found in one.analysis['contrasts'] if found['family'] == PLANNED and (
            found['endpoint'], found['scope'], found['a'], found['b']) == (endpoint, scope, a, b))
                    for name, one in data_sets.items()}
        mean = Estimate(*[np.float64(np.nan)] * 3) if reason else combined([*own.values()])
        if not reason and math.isnan(mean.se):
            reason = 'all data sets have the same difference: there is no variance to judge by'
        rests = {} if reason or len(own) < 3 else {
            name: combined([one for other, one in own.items() if other != name], kind_of(len(own))) for name in own}
        return cls(endpoint, a, b, scope, own, verdicts, mean, reason, rests)

    def described(self, p_adjusted: float, p_without: Mapping[str, float], rules: Rules) -> dict[str, Any]:
        """As datasets.json has it.

        Args:
            p_adjusted: Its adjusted p-value.
            p_without: Data set -> that without it.
            rules: Those of all.
        """
        names, lower, alpha = [*self.own], rules.lower[self.endpoint], rules.alpha
        verdict = judged(self.mean, p_adjusted, rules.limit(self.endpoint), lower, alpha)
        low, high = self.mean.interval(1 - alpha)
        inner_low, inner_high = self.mean.interval(1 - 2 * alpha)
        block: dict[str, Any] = {
            'endpoint': self.endpoint, 'a': self.a, 'b': self.b, 'scope': self.scope,
            'estimate': rules.shown(self.mean.estimate), 'se': self.mean.se, 'df': self.mean.df, 'p': self.mean.p,
            'p_adjusted': p_adjusted, 'ci_low': rules.shown(low), 'ci_high': rules.shown(high),
            'ci_low_equivalence': rules.shown(inner_low), 'ci_high_equivalence': rules.shown(inner_high),
            'verdict': verdict.verdict, 'relevance': verdict.relevance, 'margin': rules.margin.get(self.endpoint),
            'reason': self.reason, 'heterogeneity': None, 'prediction_low': None, 'prediction_high': None}
        weights = [None] * len(names)
        if not self.reason:
            d, v = _arrays([*self.own.values()])
            spread = heterogeneity(d, v)
            block['heterogeneity'] = {'q': spread.q, 'df': spread.df, 'p': spread.p, 'i2': spread.i2,
                                      'tau': spread.tau, 'tau_low': spread.low, 'tau_high': spread.high}
            weights = (np.ones(len(d)) / len(d)).tolist()
            if kind_of(len(d)) == RANDOM:
                _, _, raw = spread_about(d, v, paule_mandel(d, v))
                weights = (raw / raw.sum()).tolist()
                ends = predicted(d, v, generator(rules.seed, 'new data set'), NEW_DRAWS, 1 - alpha)
                block['prediction_low'], block['prediction_high'] = map(rules.shown, ends)
        signs = [float(np.sign(one.estimate)) * (-1 if lower else 1) for one in self.own.values()]
        block['counts'] = {
            'better': signs.count(1.0), 'worse': signs.count(-1.0),
            'found_better': sum(one['verdict'] in BETTER for one in self.own_verdicts.values()),
            'found_worse': sum(one['verdict'] in WORSE for one in self.own_verdicts.values())}
        block['data_sets'] = {name: self._own(name, weight, rules) for name, weight in zip(names, weights, strict=True)}
        block['without'] = {name: self._without(one, p_without[name], rules)
                            for name, one in self.rests.items()} or None
        return block

    def _own(self, name: str, weight: float | None, rules: Rules) -> dict[str, Any]:
        """The contrast in one data set; its verdict is that of its own analysis."""
        one, found = self.own[name], self.own_verdicts[name]
        low, high = one.interval(1 - rules.alpha)
        return {'estimate': rules.shown(one.estimate), 'se': one.se, 'df': one.df, 'ci_low': rules.shown(low),
                'ci_high': rules.shown(high), 'weight': weight, 'p_adjusted': found['p_adjusted'],
                'verdict': found['verdict'], 'n_seeds': found['n_seeds'], 'n_units': found['n_units']}

    def _without(self, rest: Estimate, p_adjusted: float, rules: Rules) -> dict[str, Any]:
        """What is left of it without a data set."""
        low, high = rest.interval(1 - rules.alpha)
        found = judged(rest, p_adjusted, rules.limit(self.endpoint), rules.lower[self.endpoint], rules.alpha)
        return {'estimate': rules.shown(rest.estimate), 'ci_low': rules.shown(low), 'ci_high': rules.shown(high),
                'p_adjusted': p_adjusted, 'verdict': found.verdict, 'relevance': found.relevance}


def combined(several: Sequence[Estimate], kind: str | None = None) -> Estimate:
    """The mean over data sets, see :mod:`.effects`; ``kind``: that of :func:`kind_of` where it is not given."""
    if (kind or kind_of(len(several))) == FIXED:
        return over_fixed(several)
    return over_random(*_arrays(several))


def _arrays(several: Sequence[Estimate]) -> tuple[Floats, Floats]:
    """Differences and variances, shapes (K,)."""
    return np.array([float(one.estimate) for one in several]), np.array([float(one.se)**2 for one in several])


def ratio(a: Block, b: Block, scope: Scope, design: Design) -> Estimate:
    """log(mean(a) / mean(b)), by the delta method: its variance is that of mean(a / mean(a)) - mean(b / mean(b)).

    Raises:
        TableError: A mean is 0 or below; begins with the number.
    """
    means = [float(block.values.mean()) for block in (a, b)]
    if min(means) <= 0:
        raise TableError(f'{min(means):g} is not above 0, and has no ratio')
    scaled = contrast(Block(a.values / means[0], a.folds), Block(b.values / means[1], b.folds), scope, design)
    return replace(scaled, estimate=np.float64(math.log(means[0] / means[1])))
