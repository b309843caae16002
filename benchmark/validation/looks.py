"""Looking more than once: error rates over all looks, what stopping saves, intervals and estimates after a stop.

Beside the declared looks stands who adds a seed until p < .05, on the same suites (:mod:`.looking`).
"""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import numpy as np

from benchmark.statistics.arrays import Floats
from benchmark.statistics.crossed import crossed_contrast
from benchmark.statistics.estimates import Estimate
from benchmark.statistics.resampling import generator
from benchmark.statistics.sequential.estimates import exceeded, told_apart
from benchmark.statistics.sequential.levels import nominal, sequential_p
from benchmark.statistics.sequential.plan import SequentialPlan
from benchmark.statistics.terms import PROCEDURE

from .few import CLOSE, CLOSE_IN_FAMILY, far_p
from .looking import Draws, World, detectable, draw, holm_along, settle
from .model import ENDPOINTS, Cell
from .plan import MORE, Effort
from .portions import portions
from .squares import EQUAL
from .tally import ALPHA

NAIVE, DECLARED, LATE = 'until p < .05', 'hsd:-1', 'obrien_fleming'
#: Most seeds of the plans, and what the true difference is multiplied by that their fixed design finds with 80 %.
MOST, TIMES = (5, 10, 20), (0.0, 0.5, 1.0, 2.0)
#: N and seed SD of the worlds in which it is simulated what stopping saves.
SAVED = ((50, 0.02), (310, 0.0), (310, 0.02), (310, 0.05), (1000, 0.05))


def looks(world: World, effort: Effort) -> list[dict[str, Any]]:
    """Error rates and coverage, and where all methods' seeds vary alike, what is saved and estimated."""
    rows = error_rates(world, effort.looked, effort.seed)
    if world.spread is None and (world.n_images, world.seed_sd) in SAVED:
        for contrasts in (1, world.contrasts):
            rows += saved(replace(world, contrasts=contrasts), effort.stopped, effort.seed)
        rows += estimates(replace(world, contrasts=1), effort.stopped, effort.seed)
    return rows


def error_rates(world: World, repetitions: int, seed: int) -> list[dict[str, Any]]:
    """How often equal methods are called different at any look: one contrast, and some contrast of the family."""
    every = draw(generator(seed, 'looks', *map(str, asdict(world).values())), world, repetitions, max(MOST))
    rows = []
    for most in MOST:
        plan = SequentialPlan(most, futility=None)
        drawn, times = every.at(plan.schedule()), plan.times()
        p = _far(drawn, CLOSE_IN_FAMILY)
        p[:, :1] = _far(_first(drawn), CLOSE)
        for size in (1, world.contrasts):
            wrong = {NAIVE: p[:, :size]} | {spending: sequential_p(p[:, :size], times, spending)
                                            for spending in (DECLARED, LATE)}
            for test, found in wrong.items():
                rate = float((holm_along(found) < ALPHA).any(axis=(1, 2)).mean())
                rows.append(_row('error over all looks', test, world, most, size, rate, repetitions,
                                 0.01 <= rate <= 0.07))
    return rows


def saved(world: World, repetitions: int, seed: int) -> list[dict[str, Any]]:
    """Trainings until a suite is settled, as a share of the fixed design's, and power."""
    most = max(MOST)
    every = draw(generator(seed, 'saved', *map(str, asdict(world).values())), world, repetitions, most)
    plan = SequentialPlan(most)
    drawn = every.at(plan.schedule())
    found = detectable(drawn, ALPHA / world.contrasts)
    rows = []
    for times in TIMES:
        there = drawn.shifted(times * found)
        p = _far(there, CLOSE)
        fixed = float((holm_along(p[..., -1:]) < ALPHA).mean())
        settled = settle(there, p, plan, ALPHA)
        for study, rate in (('trainings', settled.trainings.mean()), ('power of looks', settled.rejected.mean()),
                            ('power of the fixed design', fixed)):
            rows.append(_row(study, DECLARED, world, most, world.contrasts, float(rate), repetitions, True)
                        | {'times': times})
    return rows


def estimates(world: World, repetitions: int, seed: int) -> list[dict[str, Any]]:
    """How often the estimate after a stop is above the truth, as it is and median-unbiased: half is right.

    Of all suites, those that stop where they are settled and those that reach the end; nothing is given up.
    """
    most = max(MOST)
    plan = SequentialPlan(most, futility=None)
    schedule, times = plan.schedule(), plan.times()
    drawn = draw(generator(seed, 'estimates', *map(str, asdict(world).values())), world, repetitions,
                 most).at(schedule)
    truth = detectable(drawn, ALPHA)
    there = drawn.shifted(truth)
    p = there.p()
    ends = settle(there, p, plan, ALPHA).look[:, 0]
    beyond, above = np.empty(repetitions), np.empty(repetitions, bool)
    for one, look in enumerate(ends):
        seeds, images = there.seeds[one, 0, look], there.images[one, 0, look]
        information = [float(1 / (images + seeds * schedule[look] / count)) for count in schedule[:look + 1]]
        kept = told_apart(information)
        parts = there.parts.at((one, 0, look))
        stop = Estimate(there.estimate[one, 0, look], np.sqrt(parts.variance), parts.df, parts)
        # The median-unbiased estimate is above the truth where more than what was seen is rarer there than one half.
        shares = [information[place] for place in kept]
        missed = [nominal(times[:place + 1], ALPHA, plan.spending) for place in kept[:-1]]
        bounds = [float(there.parts.at((one, 0, place)).half_width(1 - share))
                  for place, share in zip(kept, missed, strict=False)]
        beyond[one] = exceeded(np.array([truth]), stop, shares, bounds)[0]
        above[one] = stop.estimate > truth
    found = {'estimate above the truth': above, 'median-unbiased above the truth': beyond < 0.5,
             'coverage after a stop': (beyond > ALPHA / 2) & (beyond < 1 - ALPHA / 2)}
    return [_row(study, DECLARED, world, most, 1, float(happened.mean()), repetitions, True)
            for study, happened in found.items()]


def looked_tables(cell: Cell, effort: Effort) -> list[dict[str, Any]]:
    """The error over all looks of one contrast, from whole tables of scores: every endpoint, skewed errors too."""
    plan = SequentialPlan(cell.seeds, futility=None)
    times, rng = plan.times(), generator(effort.seed, 'looked', *asdict(cell).values())
    p: dict[str, list[Floats]] = {endpoint: [] for endpoint in ENDPOINTS}
    for count in portions(effort.looked, 2 * cell.seeds * cell.images):
        predictor = cell.predictor(rng, cell.seed_effects(rng, count))
        for endpoint in ENDPOINTS:
            a, b = np.moveaxis(cell.score(endpoint, predictor), 1, 0)
            several = [crossed_contrast(a[:, :seeds], b[:, :seeds], cell.design) for seeds in plan.schedule()]
            p[endpoint].append(np.stack([far_p(one, CLOSE) for one in several], axis=-1))
    world = World(cell.design, cell.images, cell.seed_sd)
    rows = []
    for endpoint, found in p.items():
        alone = np.concatenate(found)[:, None]
        for test, over_looks in ((NAIVE, alone), (DECLARED, sequential_p(alone, times, DECLARED))):
            rate = float((over_looks < ALPHA).any(axis=(1, 2)).mean())
            rows.append(_row('error over all looks', test, world, cell.seeds, 1, rate, len(alone),
                             0.01 <= rate <= 0.07) | {'endpoint': endpoint, 'errors': cell.errors, 'tables': True})
    return rows


def _first(draws: Draws) -> Draws:
    """The first contrast alone."""
    return replace(draws, **{name: getattr(draws, name)[:, :1] for name in (
        'estimate', 'seeds', 'seeds_df', 'images', 'spread')})


def _far(draws: Draws, close: float) -> Floats:
    """p-values of the looks alone, 1 where they are above .05 anyway (see :data:`.few.CLOSE`)."""
    p = np.ones(draws.estimate.shape)
    far = np.abs(draws.estimate) > close * np.sqrt(draws.parts.variance)
    p[far] = draws.parts.at(far).p(draws.estimate[far])
    return p


def _row(study: str, test: str, world: World, most: int, size: int, rate: float, repetitions: int,
         inside: bool) -> dict[str, Any]:
    return {'study': study, 'scope': PROCEDURE, 'test': test, 'endpoint': 'ME', 'errors': 'normal',
            'design': world.design, 'seed_sd': world.seed_sd, 'seeds': most, 'images': world.n_images, 'size': size,
            'world': EQUAL if world.spread is None else MORE, 'tables': False, 'times': None,
            'ours': test != NAIVE, 'rate': rate, 'se': (rate * (1 - rate) / repetitions) ** 0.5 if rate < 1 else 0.0,
            'replications': repetitions, 'without_result': 0, 'inside': inside}
