"""How often the tests of training procedures err with few seeds: the true rates beside the nominal one.

With few seeds standard error and degrees of freedom are read from the same mean square, so that seeds which lie close
together by chance make a contrast look certain. The rates are the highest of simulated suites of equal procedures
(48 to 1,000 images, seed SD of 0 to .1 at an image SD of .4; seven methods, Holm; ``docs/validation.md``, Few seeds).
"""

from __future__ import annotations

from collections.abc import Sequence

from .alerts import alert
from .contrasts import all_pairs
from .options import Options
from .scores import Scores
from .terms import NESTED, PAIRED, Design

#: Sizes of a family of contrasts that were simulated: one, six (one method against each other), all 21 pairs.
SIZES = (1, 6, 21)
#: Number of seeds -> highest rate by size at a level of 5 %. Unequal: one method of a nested contrast has three times
#: the other's seeds or more.
RATES: dict[Design, dict[int, tuple[float, ...]]] = {
    PAIRED: {2: (0.12, 0.36, 0.73), 3: (0.08, 0.16, 0.33), 4: (0.07, 0.10, 0.17), 5: (0.06, 0.08, 0.13)},
    NESTED: {2: (0.12, 0.12, 0.22), 3: (0.08, 0.07, 0.10), 4: (0.07, 0.06, 0.07)},
}
UNEQUAL = {2: (0.14, 0.24, 0.24), 3: (0.08, 0.11, 0.11)}
#: Above it a rate is told: the upper bound that is asked of a level of 5 %.
TOLD = 0.07


def true_rates(design: Design, few: int, many: int) -> tuple[float, ...] | None:
    """The rates by :data:`SIZES`; None where they are those asked for.

    Args:
        design: ``nested`` or ``paired``.
        few: Seeds of the method that has fewer; 2 or more.
        many: Seeds of the other one.
    """
    if design == NESTED and many >= 3 * few and few in UNEQUAL:
        return UNEQUAL[few]
    return RATES[design].get(few)


def few_seeds(scores: Scores, pairs: Sequence[tuple[str, str]], options: Options) -> list[dict[str, str]]:
    """An alert where the tests of procedures err more often than they say.

    Args:
        scores: The main condition's.
        pairs: The planned contrasts; where there are none, all pairs are judged.
        options: Design and level.
    """
    planned = [pair for pair in pairs if set(pair) <= set(scores.methods)] or all_pairs(scores.methods)
    worst = None
    for pair in planned:
        counts = sorted(len(scores.common_seeds(*pair)) if options.design == PAIRED else len(scores.seeds[name])
                        for name in pair)
        rates = true_rates(options.design, *counts) if counts[0] > 1 else None
        if rates is not None and (worst is None or rates > worst[1]):
            worst = counts, rates
    if worst is None:
        return []
    (few, many), rates = worst
    size = len(planned)
    place = next((i for i, most in enumerate(SIZES) if size <= most), len(SIZES) - 1)
    if max(rates[0], rates[place]) <= TOLD:
        return []
    seeds = f'{few} {options.design} seeds' if few == many else f'{few} against {many} seeds'
    family = '' if size == 1 else (f', and call some contrast of a family of {size} (Holm) different in '
                                   f'{"up to" if size <= SIZES[-1] else "more than"} {100 * rates[place]:.0f} %')
    level = '' if options.alpha == 0.05 else ' At other levels the factor is as large or larger.'
    remedy = ('Equal numbers of seeds, five or more, keep near 5 %' if rates in UNEQUAL.values()
              else 'Five seeds bring a family of six to 8 %, ten to 5 %' if options.design == PAIRED
              else 'Five seeds keep near 5 %')
    return [alert('few seeds', f'{seeds}: at a nominal 5 % the tests of training procedures call equal ones different '
                               f'in up to {100 * rates[0]:.0f} % of simulated suites{family}. {remedy}; verdicts on '
                               f'these trained models are not affected.{level}')]
