"""What so few seeds can tell, and where the tests of training procedures err in more than 6 % instead of 5 %.

The rates are the highest of simulated suites of equal procedures (48 to 1,000 images, seed SD of 0 to .1 at an image SD
of .4, also with one method whose seeds vary far more than the others'; ``docs/validation.md``, Few seeds in a family).
"""

from __future__ import annotations

from collections.abc import Sequence

from scipy import special

from .alerts import alert
from .contrasts import all_pairs
from .estimates import t_quantile
from .options import Options
from .scores import Scores
from .terms import NESTED, PAIRED, Design

#: Fewer seeds than these are told of: the same differences are found far more often with as many.
ENOUGH = 5
#: Largest family for which six simulated contrasts speak; above it all 21 pairs of seven methods do.
SIX = 6


def true_rate(design: Design, few: int, many: int, size: int) -> float | None:
    """The highest rate at which equal procedures are called different; None where it is at most 6 %.

    Args:
        design: ``nested`` or ``paired``.
        few: Seeds of the method that has fewer; 2 or more.
        many: Seeds of the other one.
        size: Contrasts of the family.
    """
    if few < many:
        return 0.080 if size > SIX and 2 < few < ENOUGH else None
    if design == PAIRED:
        return (0.069 if few < ENOUGH else 0.064) if size > SIX else None
    if few == 2:
        return 0.067
    if few == 3 and size == 1:
        return 0.063
    return 0.061 if size > SIX and few >= 10 else None


def few_seeds(scores: Scores, pairs: Sequence[tuple[str, str]], options: Options,
              notes: list[str]) -> list[dict[str, str]]:
    """An alert where contrasts of procedures rest on fewer than five seeds.

    With more, a rate above 6 % is a note. Where looks are declared there is neither, nor in a
    cross-validation (:mod:`.folds`): such a suite finds out itself
    whether it needs more seeds, and its families go by Holm alone and hold 5 %.

    Args:
        scores: The main condition's.
        pairs: The planned contrasts; where there are none, all pairs are judged.
        options: Design and level.
        notes: Gets the note.
    """
    if options.sequential is not None or scores.folds:
        return []
    planned = [pair for pair in pairs if set(pair) <= set(scores.methods)] or all_pairs(scores.methods)
    counts = [sorted(len(scores.common_seeds(*pair)) if options.design == PAIRED else len(scores.seeds[name])
                     for name in pair) for pair in planned]
    rates = [rate for fewer, more in counts
             if fewer >= 2 and (rate := true_rate(options.design, fewer, more, len(planned))) is not None]
    known_rate = (f'At a nominal 5 % equal procedures are called different in up to {100 * max(rates):.1f} % of '
                  'simulated suites') if rates else ''
    rested = [(fewer, more) for fewer, more in counts if 2 <= fewer < ENOUGH]
    if not rested:
        if rates:
            notes.append(f'{known_rate} with {len(planned)} contrasts and {options.design} seeds.')
        return []
    few, many = min(rested)
    seeds = f'{few} {options.design} seeds' if few == many else f'{few} against {many} seeds'
    close = special.gammainc((few - 1) / 2, 0.2 * (few - 1) / 2)
    needed, known = (float(t_quantile(options.alpha / 2, df)) for df in (few - 1, float('inf')))
    upto = 'up to ' if options.design == NESTED else ''  # as many where one method's seeds vary alone
    text = (f'{seeds} say little about how much seeds vary (below a fifth of the truth in {100 * close:.0f} of 100 '
            f'cases): where seeds matter a difference must reach {upto}{needed:.1f} standard errors, not {known:.1f}. '
            'Five seeds or more find far more. Verdicts on these trained models are not affected.')
    text += f' {known_rate}.' if rates else ''
    return [alert('few seeds', text)]
