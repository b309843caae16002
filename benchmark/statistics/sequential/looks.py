"""How a look comes about: a pure function of the scores of now, the looks before it and the declared analysis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np
from scipy import special

from ..arrays import Floats
from ..components import Components, contrast_components
from ..crossed import contrast
from ..errors import TableError
from ..estimates import ZERO, Estimate
from ..options import Options
from ..planning import images_for
from ..rank_tests import holm
from ..scores import Scores
from ..terms import DECISIONS, EQUIVALENT, FUTILE, INFERIOR, NON_INFERIOR, OPEN, PAIRED, PROCEDURE, SUPERIOR
from .estimates import Unbiased, after_stop, told_apart
from .levels import bound, nominal, reached, score
from .plan import SequentialPlan
from .records import Look, LookedContrast, open_methods, plan_digest, primary_endpoints
from .repeated import LEAST, Repeated
from .spending import spent

__all__ = ['DECISIONS', 'FUTILE', 'OPEN', 'Look', 'LookedContrast', 'chance_at_maximum', 'next_look', 'open_methods',
           'plan_digest', 'primary_endpoints']

Numbers = Floats | float
#: Two fractions of the planned seeds that differ by less are one.
SAME = 1e-9


def next_look(scores: Scores, condition: str, pairs: Sequence[tuple[str, str]], earlier: Sequence[Look],
              options: Options) -> Look:
    """The look at the scores of now.

    Args:
        scores: The main condition's.
        condition: Its name.
        pairs: The planned contrasts, as :func:`..pairs.planned_pairs` gives them for all methods of the suite.
            Those without results are counted in the family, and named in the look.
        earlier: All looks before, the first one first.
        options: The declared analysis. Without a ``sequential`` plan a look has no contrasts, and says when it was.

    Returns:
        The next look, with ``number`` one above the last; the last one itself where no method has other seeds than
        then, so that analysing twice costs nothing.

    Raises:
        TableError: An earlier look was taken under another plan, or with more seeds than there are.
    """
    seeds, plan = {name: len(own) for name, own in scores.seeds.items()}, options.sequential
    digest = plan_digest(options, pairs)
    for look in earlier:
        if plan is not None and look.digest != digest:
            raise TableError(f'look {look.number}: was taken under another plan (digest {look.digest}, now {digest}): '
                             'pairs, margins, level, threshold and sequential must stay as they were; set them back, '
                             'or begin a new suite')
        if lost := [name for name, count in look.seeds.items() if count > seeds.get(name, 0)]:
            raise TableError(f'look {look.number}: had {look.seeds[lost[0]]} seeds of {lost[0]}, and there are '
                             f'{seeds.get(lost[0], 0)}; bring the missing runs back, or begin a new suite')
    if earlier and earlier[-1].seeds == seeds:
        return earlier[-1]
    number = earlier[-1].number + 1 if earlier else 1
    if plan is None:
        return Look(number, seeds, (), digest, False)
    plan.check_counts(seeds)
    found: list[LookedContrast] = []
    primaries = primary_endpoints(scores.endpoints(options.measures.tested), options)
    there = [pair for pair in pairs if set(pair) <= set(scores.methods)
             and (options.design != PAIRED or scores.common_seeds(*pair))]
    for endpoint in scores.endpoints(options.measures.tested):
        family = [_Case(scores, condition, endpoint, pair, earlier, options, plan, endpoint in primaries)
                  for pair in there]
        found += _decide(family, pairs, options, plan, number)
    wanted = [one for one in found if one.primary]
    lacking = tuple((endpoint, *pair) for endpoint in primaries for pair in pairs if pair not in there)
    last = not lacking and all(one.settled or one.fraction > 1 - SAME for one in wanted)
    # With the digits of its file, so that a look that was read again is the one that was written.
    return Look.from_json(Look(number, seeds, tuple(found), digest, last, lacking).to_json())


class _Case:
    """A contrast at a look before it is decided upon.

    Attributes:
        earlier: What the looks before say of it.
        kept: What an earlier look says of it, where that stays: it is settled, or has no new seeds.
        crossed: What the look says of it at which the smallest level was crossed; None where that is this one.
        times: Fractions of the planned seeds at its looks, this one the last.
        one: The estimate; None where ``kept`` is there.
    """

    def __init__(self, scores: Scores, condition: str, endpoint: str, pair: tuple[str, str], earlier: Sequence[Look],
                 options: Options, plan: SequentialPlan, primary: bool) -> None:
        self.condition, self.endpoint, self.pair, self.options, self.plan = condition, endpoint, pair, options, plan
        self.primary, self.scores = primary, scores
        self.blocks = scores.pair(endpoint, *pair, options.design)
        self.n_seeds = self.blocks[0].n_seeds, self.blocks[1].n_seeds
        before = [one for look in earlier if (one := look.of((condition, endpoint, *pair))) is not None]
        self.earlier, self.before = before, before[-1] if before else None
        # Later looks carry the smallest level on, so the first that has it is the one that crossed.
        self.crossed = next((one for one in before if one.p_sequential <= before[-1].p_sequential), None)
        #: Once for each number of seeds with which it was tested.
        self.past = sorted({one.fraction for one in before if one.z is not None})
        now = plan.fraction(*self.n_seeds)
        self.kept: LookedContrast | None = None
        if self.before is not None:
            grown = now > self.before.fraction + SAME
            again = self.before.decision == FUTILE and min(self.n_seeds) > min(self.before.n_seeds)
            if not grown or self.before.settled and not again:
                self.kept = self.before
        self.fraction = now
        self.times = (*self.past, now)
        self.one: Estimate | None = None
        self.p = self.p_above = self.p_below = math.nan
        if self.kept is None:
            self._test()

    def _test(self) -> None:
        self.one = contrast(*self.blocks, PROCEDURE, self.options.design)
        old = self.before
        self.p = float(self.one.p)
        if math.isnan(self.p):
            self.p_sequential, self.p_above, self.p_below = (
                (old.p_sequential, _number(old.p_above), _number(old.p_below)) if old else (1.0, math.nan, math.nan))
            return
        margin = self.options.margin.get(self.endpoint)
        sides = [] if margin is None else [float(self.one.below(-margin)), 1 - float(self.one.below(margin))]
        # One-sided tests spend as one side of a two-sided test with twice the level does.
        levels = reached(np.minimum(1.0, [self.p, *(2 * side for side in sides)]), self.times, self.plan.spending)
        self.p_sequential = float(levels[0]) if old is None else min(old.p_sequential, float(levels[0]))
        if old is None or self.p_sequential < old.p_sequential:
            self.crossed = None
        if sides:
            known = [_number(old.p_above), _number(old.p_below)] if old else [math.nan] * 2
            self.p_above, self.p_below = (float(np.fmin(now / 2, before)) for now, before
                                          in zip(levels[1:], known, strict=True))

    @cached_property
    def components(self) -> Components | None:
        """Components of its variance; None where they can't be estimated."""
        return contrast_components(*self.blocks, self.options.design)

    @property
    def level_so_far(self) -> float:
        """Its sequential p-value, this look or the one that is kept."""
        return self.kept.p_sequential if self.kept is not None else self.p_sequential


def chance_at_maximum(estimate: Numbers, now: Numbers, then: Numbers, df: Numbers, critical: Numbers,
                      margin: float | None = None, critical_equivalence: Numbers = math.inf,
                      good: float = 0.0, critical_non_inferiority: Numbers | None = None) -> Floats:
    """Chance that a contrast is settled at the maximum, given what is known now; of any shape.

    The difference then is normal about the one of now with the variance ``now`` - ``then``: what further seeds add is
    independent of what there is, and nothing is assumed about the truth. Where images dominate the two variances are
    nearly equal, so that more seeds change nothing, and the chance is near 0 or 1.

    Args:
        estimate: mean(a) - mean(b) now.
        now: Its variance with the seeds of now.
        then: Its variance with the most seeds.
        df: Degrees of freedom then.
        critical: Score of the last boundary.
        margin: The margin; None without one.
        critical_equivalence: Score of the last boundary of either one-sided test of equivalence.
        good: 1 or -1: a difference of this sign speaks for a, and showing that it is not beyond the margin on the other
            side settles too; 0: it does not.
        critical_non_inferiority: Score of the last boundary of that, which Holm does not adjust; None: ``critical``.
    """
    def reach(score: Numbers) -> Floats:
        beyond = special.ndtr(-np.asarray(score))
        found: Floats = np.where(beyond > 0, -special.stdtrit(df, beyond), np.inf) * np.sqrt(then)
        return found

    with np.errstate(invalid='ignore', divide='ignore'):
        spread = np.sqrt(np.maximum(np.asarray(now) - then, ZERO * np.asarray(now)))

        def below(value: Numbers, centre: Numbers) -> Floats:
            found: Floats = special.ndtr((value - np.asarray(centre)) / spread)
            return found
        centre = np.asarray(estimate) * (good or 1.0)
        far = upper = reach(critical)
        if margin is not None and good:
            one_sided = critical if critical_non_inferiority is None else critical_non_inferiority
            upper = np.minimum(far, reach(one_sided) - margin)
        chance = below(-far, centre) + 1 - below(upper, centre)
        if margin is not None:
            near = margin - reach(critical_equivalence)
            inside = below(np.minimum(near, upper), centre) - below(-np.minimum(near, far), centre)
            chance = chance + np.where(near > 0, np.maximum(0.0, inside), 0.0)
    return np.minimum(1.0, chance)


def _decide(family: Sequence[_Case], pairs: Sequence[tuple[str, str]], options: Options, plan: SequentialPlan,
            number: int) -> list[LookedContrast]:
    """All contrasts of an endpoint: Holm over sequential p-values, then what each is called."""
    # A planned contrast without results counts in the family, so that it does not grow when they come.
    reached_so_far = [case.level_so_far for case in family] + [1.0] * (len(pairs) - len(family))
    adjusted = holm(reached_so_far)
    rejected = sum(p < options.alpha for p in adjusted)
    found = []
    order = sorted(range(len(pairs)), key=reached_so_far.__getitem__)
    for place, (case, p_adjusted) in enumerate(zip(family, adjusted, strict=False)):
        level = options.alpha / (len(pairs) - min(order.index(place), rejected))
        open_still = case.kept is None or case.kept.decision not in (SUPERIOR, INFERIOR, EQUIVALENT)
        if case.crossed is not None and open_still and p_adjusted < options.alpha:
            # Holm's next step, as others were rejected: an earlier look is enough now, and its side and numbers count.
            decision = _called(case.crossed.estimate, p_adjusted, None, None, case.endpoint, options)
            found.append(replace(case.crossed, p_adjusted=p_adjusted, decision=decision, settled=True,
                                 settled_at=number, chance=None, images_needed=None))
        elif case.kept is not None:
            found.append(replace(case.kept, p_adjusted=p_adjusted))
        else:
            found.append(_looked(case, p_adjusted, level, number, len(pairs)))
    for place, one in enumerate(found):
        if one.decision == FUTILE and family[place].kept is None:
            parts = family[place].components
            target = options.margin.get(one.endpoint, abs(one.estimate))
            if parts is not None and target > 0:
                for count in (min(one.n_seeds), plan.max_seeds):
                    if (images := images_for(parts, count, target, options.alpha / len(pairs))) is not None:
                        found[place] = replace(one, images_needed=images, images_seeds=count)
                        break
    return found


def _looked(case: _Case, p_adjusted: float, level: float, number: int, size: int) -> LookedContrast:
    one, options, plan, spending = case.one, case.options, case.plan, case.plan.spending
    assert one is not None
    estimate, base = float(one.estimate), float(case.blocks[1].values.mean())
    blank = LookedContrast(
        condition=case.condition, endpoint=case.endpoint, a=case.pair[0], b=case.pair[1], primary=case.primary,
        n_seeds=case.n_seeds, estimate=estimate, se=None, p=None, z=None, information=None, fraction=case.fraction,
        spent=0.0, level=level, boundary=0.0, critical=None, p_sequential=case.p_sequential, p_adjusted=p_adjusted,
        p_above=_known(case.p_above), p_below=_known(case.p_below), low=None, high=None, low_equivalence=None,
        high_equivalence=None, low_simultaneous=None, high_simultaneous=None, chance=None, images_needed=None,
        decision=OPEN, settled=False, settled_at=None, n_units=case.blocks[0].n_images,
        percent=100 * estimate / base if base else None)
    if math.isnan(case.p):
        return blank
    half, inner, wide, critical = map(float, Repeated.of(one, case.times, spending).half_widths(
        [1 - options.alpha, 1 - 2 * options.alpha, 1 - options.alpha / size, 1 - level]))
    boundary, rest = nominal(case.times, level, spending), _after_stop(case)
    decision = _called(estimate, p_adjusted, case.p_above, case.p_below, case.endpoint, options)
    settled = decision in (SUPERIOR, INFERIOR, EQUIVALENT) or decision == NON_INFERIOR and plan.non_inferiority
    chance = None if settled else _chance(case, level)
    if chance is not None and plan.futility is not None and chance < plan.futility and case.fraction < 1 - SAME:
        decision, settled = FUTILE, True
    return replace(
        blank, se=float(one.se), df=float(one.df), p=case.p, z=math.copysign(float(score(case.p)), estimate),
        information=float(one.se) ** -2, spent=float(spent(level, case.fraction, spending)),
        boundary=boundary, critical=critical if boundary > LEAST else None, low=estimate - half, high=estimate + half,
        low_equivalence=estimate - inner, high_equivalence=estimate + inner, low_simultaneous=estimate - wide,
        high_simultaneous=estimate + wide, chance=chance, decision=decision, settled=settled,
        settled_at=number if settled else None, median_unbiased=rest.estimate, median_low=rest.low,
        median_high=rest.high)


def _after_stop(case: _Case) -> Unbiased:
    """The estimate after a stop at this look, with its interval; information is that of the components known now."""
    assert case.one is not None
    parts, bounds, information = case.components, list[float](), [1.0]
    if parts is not None and len(case.times) > 1:
        # Where nothing was spent no difference would have stopped it.
        then = {one.fraction: math.inf if one.critical is None else one.critical for one in case.earlier}
        n_images, most = case.blocks[0].n_images, case.plan.max_seeds
        every = [1 / parts.variance(time * most, n_images) for time in case.times]
        kept = told_apart(every)
        bounds = [then[case.times[place]] for place in kept[:-1]]
        information = [every[place] for place in kept]
    return after_stop(case.one, information, bounds, 1 - case.options.alpha)


def _called(estimate: float, p_adjusted: float, p_above: float | None, p_below: float | None, endpoint: str,
            options: Options) -> str:
    """What a contrast is called by its sequential p-values, futility aside."""
    better = estimate < 0 if options.measures.lower(endpoint) else estimate > 0
    if p_adjusted < options.alpha:
        return SUPERIOR if better else INFERIOR
    above, below = _number(p_above), _number(p_below)
    if max(above, below) < options.alpha:
        return EQUIVALENT
    # As elsewhere, non-inferiority is one-sided at half the level: the 1 - alpha interval on a's side of -margin.
    return NON_INFERIOR if (below if options.measures.lower(endpoint) else above) < options.alpha / 2 else OPEN


def _chance(case: _Case, level: float) -> float | None:
    """:func:`chance_at_maximum` of a contrast; None where its components can't be estimated."""
    parts = case.components
    assert case.one is not None
    if parts is None:
        return None
    n_images, most = case.blocks[0].n_images, float(case.plan.max_seeds)
    times = (*case.times, *(time for time in case.plan.times() if time > case.fraction + SAME))
    margin, options = case.options.margin.get(case.endpoint), case.options
    side = (-1.0 if options.measures.lower(case.endpoint) else 1.0) if case.plan.non_inferiority else 0.0
    with np.errstate(invalid='ignore', divide='ignore'):
        df = float(parts.df(np.float64(most), np.float64(n_images)))
    variance, then = float(case.one.se) ** 2, parts.variance(most, n_images)
    return float(chance_at_maximum(
        float(case.one.estimate), max(variance, then), then, df if df > 0 else n_images - 1.0,
        bound(times, level, case.plan.spending), margin,
        bound(times, 2 * options.alpha, case.plan.spending) if margin else math.inf, side,
        bound(times, options.alpha, case.plan.spending)))


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value
