"""Looks in ``analysis.json``: which there were, what they decided, and what looking without a plan costs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from ..alerts import alert
from ..arrays import Integers
from ..endpoints import Rates
from ..errors import TableError
from ..options import Options
from ..scores import Scores, make_scores
from ..terms import (
    BEYOND,
    EQUIVALENT,
    INCONCLUSIVE,
    INFERIOR,
    INFERIOR_RELEVANT,
    NON_INFERIOR,
    NOT_ESTIMABLE,
    PLANNED,
    PROCEDURE,
    SUPERIOR,
    SUPERIOR_RELEVANT,
    UNCLEAR,
    WITHIN,
)
from .boundaries import crossing
from .levels import nominal
from .looks import next_look
from .records import Look, LookedContrast, primary_endpoints
from .spending import spent

#: Column of a table that says at which look a row was added.
LOOK = 'look'


def looks_of(rows: pd.DataFrame, main: Scores, condition: str, methods: Sequence[str],
             pairs: Sequence[tuple[str, str]], earlier: Sequence[Look] | None, options: Options,
             rates: Rates | None) -> tuple[Look, ...]:
    """All looks at a suite or a table, the one of now the last.

    Args:
        rows: The main condition's rows; a column ``look`` marks what was added when.
        main: Its scores.
        condition: Its name.
        methods: In the order of the plan.
        pairs: The planned contrasts.
        earlier: Looks of a ledger; None where there is none. They go before the column.
        options: The declared analysis.
        rates: Success detection rates.

    Returns:
        None of them where nothing is declared and nobody has kept a ledger.

    Raises:
        TableError: A column ``look`` that is not of whole numbers, or splits a run; what :func:`.looks.next_look`
            refuses.
    """
    if earlier is None and options.sequential is None and LOOK not in rows.columns:
        return ()
    found = list(earlier or ())
    if not found and LOOK in rows.columns:
        marks = _marks(rows)
        for mark in sorted(set(marks))[:-1]:
            then = make_scores(rows[marks <= mark], methods, main.name, options, [], rates)
            _add(found, next_look(then, condition, pairs, found, options))
    _add(found, next_look(main, condition, pairs, found, options))
    return tuple(found)


def _add(looks: list[Look], one: Look) -> None:
    if not looks or one is not looks[-1]:
        looks.append(one)


def _marks(rows: pd.DataFrame) -> Integers:
    numbers = pd.to_numeric(rows[LOOK].astype(object), errors='coerce').to_numpy(np.float64)
    bad = ~np.isfinite(numbers) | (numbers % 1 != 0)
    if bad.any():
        raise TableError(f'field {LOOK}: {rows[LOOK].iloc[int(bad.argmax())]!r} is not a whole number; number the '
                         'looks 1, 2, ... in the rows that each has added')
    split = rows.assign(**{LOOK: numbers}).groupby(['method', 'seed'], observed=True)[LOOK].nunique()
    if (split > 1).any():
        method, seed = split.index[(split > 1).to_numpy()][0]
        raise TableError(f'field {LOOK}: the rows of {method}, seed {seed}, were added at several looks; a run is '
                         'added as a whole')
    marks: Integers = numbers.astype(np.int64)
    return marks


def overrule(found: Sequence[dict[str, Any]], looks: Sequence[Look], options: Options) -> None:
    """Puts what the looks decided into the planned contrasts of procedures: p-values, intervals, verdicts.

    Args:
        found: Contrasts as :func:`..contrasts.contrasts` gives them; they are changed in place.
        looks: All looks.
        options: The declared analysis.
    """
    if options.sequential is None:
        return
    last = looks[-1]
    for row in found:
        one = last.of((row['condition'], row['endpoint'], row['a'], row['b']))
        if row['family'] != PLANNED or row['scope'] != PROCEDURE or one is None:
            continue
        # Its numbers are those of the look that tested it with these seeds; later ones carry them on.
        tested = next(look.number for look in looks if (then := look.of(one.key)) and then.fraction == one.fraction)
        row['sequential'] = {'look': tested, 'looks': last.number, 'decision': one.decision,
                             'settled': one.settled, 'chance': one.chance if one.fraction < 1 else None,
                             'percent': one.percent, 'images_needed': one.images_needed,
                             'images_seeds': one.images_seeds, 'median_unbiased': one.median_unbiased,
                             'median_low': one.median_low, 'median_high': one.median_high}
        if one.se is None or one.p is None:
            continue
        verdict, relevance = judged(one, options)
        right = (one.estimate < 0) == options.measures.lower(one.endpoint)
        row |= {'estimate': one.estimate, 'se': one.se, 'df': one.df, 't': one.estimate / one.se, 'p': one.p,
                'p_adjusted': one.p_adjusted, 'p_false_claim': one.p / 2 if right else 1 - one.p / 2,
                'n_units': one.n_units or row['n_units'], 'ci_low': one.low, 'ci_high': one.high,
                'ci_low_simultaneous': one.low_simultaneous, 'ci_high_simultaneous': one.high_simultaneous,
                'ci_low_equivalence': one.low_equivalence, 'ci_high_equivalence': one.high_equivalence,
                'n_seeds': [*one.n_seeds], 'verdict': verdict, 'relevance': relevance}


def judged(one: LookedContrast, options: Options) -> tuple[str, str | None]:
    """Verdict and relevance, in the words of the other contrasts, of what was decided."""
    if one.se is None or one.low is None or one.high is None:
        return NOT_ESTIMABLE, None
    margin, relevance = options.margin.get(one.endpoint), None
    shown = one.p_adjusted < options.alpha
    sides = [math.nan if p is None else p for p in (one.p_above, one.p_below)]
    if margin is not None:
        relevance = (BEYOND if shown and (one.low > margin or one.high < -margin)
                     else WITHIN if max(sides) < options.alpha else UNCLEAR)
    if one.decision == SUPERIOR:
        return SUPERIOR_RELEVANT if relevance == BEYOND else SUPERIOR, relevance
    if one.decision == INFERIOR:
        return INFERIOR_RELEVANT if relevance == BEYOND else INFERIOR, relevance
    if one.decision == EQUIVALENT:
        return EQUIVALENT, relevance
    good = sides[1] if options.measures.lower(one.endpoint) else sides[0]
    return NON_INFERIOR if good < options.alpha / 2 else INCONCLUSIVE, relevance


def sequential(looks: Sequence[Look], size: int, options: Options) -> dict[str, Any] | None:
    """The block ``sequential`` of ``analysis.json``; None where there are no looks.

    Args:
        looks: All looks.
        size: Number of planned contrasts.
        options: The declared analysis.
    """
    if not looks:
        return None
    plan, last = options.sequential, looks[-1]
    methods = [name for name, count in last.seeds.items() if count]
    content: dict[str, Any] = {
        'plan': plan and asdict(plan), 'digest': last.digest, 'looks': [look.to_json() for look in looks],
        'primary': [], 'schedule': [], 'trainings': None,
        'error_rates': None if plan else error_rates(looks, size, options.alpha),
    }
    if plan is None:
        return content
    present = {one.endpoint for one in last.contrasts}
    times = plan.times()
    done, fixed = sum(last.seeds.values()), plan.max_seeds * len(methods)
    level = options.alpha / max(1, size)
    return content | {
        'primary': [*primary_endpoints([name for name in options.measures.tested if name in present], options)],
        'schedule': [{'n_seeds': count, 'fraction': time, 'spent': float(spent(level, time, plan.spending)),
                      'boundary': nominal(times[:place + 1], level, plan.spending)}
                     for place, (count, time) in enumerate(zip(plan.schedule(), times, strict=True))],
        'trainings': {'done': done, 'fixed': fixed, 'saved': 1 - done / fixed if fixed else None},
    }


def error_rates(looks: Sequence[Look], size: int, alpha: float) -> dict[str, Any]:
    """How often equal procedures are called different by who looks like this, tests at ``alpha`` each time and stops
    where it is significant.

    The probability of crossing a fixed test's boundary at any of the looks, with the correlations of :mod:`.levels`;
    for a family, Holm's first step in each of its contrasts, taken for independent. Simulated suites err as often where
    seeds dominate (``docs/validation.md``, Looking again), and less often where images do.

    Returns:
        ``n_seeds``: the most seeds of a method at each look with more of them than before; ``one``: rate of one
        contrast; ``family``: that of any of the planned ones; None each where there was one look.
    """
    counts = sorted({max(look.seeds.values(), default=0) for look in looks} - {0, 1})
    if len(counts) < 2:
        return {'n_seeds': counts, 'one': None, 'family': None}

    def rate(level: float) -> float:
        times = np.array(counts) / counts[-1]
        edge = np.full(len(times), -special.ndtri(level / 2))
        below, above = crossing(times, -edge, edge)
        return float(below.sum() + above.sum())
    contrasts = max(1, size)
    return {'n_seeds': counts, 'one': rate(alpha), 'family': 1 - (1 - rate(alpha / contrasts)) ** contrasts}


def unplanned(block: Mapping[str, Any] | None, size: int, alpha: float) -> list[dict[str, str]]:
    """An alert where a suite without a plan was looked at with several numbers of seeds."""
    rates = block and block['error_rates']
    if not rates or rates['one'] is None:
        return []
    counts = rates['n_seeds']
    family = '' if size < 2 else f', and some contrast of a family of {size} in about {100 * rates["family"]:.0f} %'
    return [alert('looked at again', f'This suite was looked at {len(counts)} times, with {_listed(counts)} seeds, '
                  f'without a plan for that: who stops where a difference is significant calls equal procedures '
                  f'different in about {100 * rates["one"]:.0f} % instead of {100 * alpha:g} %{family}. Declare '
                  'analysis.sequential before there are results.')]


def _listed(counts: Sequence[int]) -> str:
    return f'{", ".join(map(str, counts[:-1]))} and {counts[-1]}'
