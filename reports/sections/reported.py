"""What the printed table of the paper can and can't say."""

from __future__ import annotations

from typing import Any

from ..figures import reported as figures
from .base import Section, Skip, register


@register
class Reported(Section):
    """A re-analysis of reported means and SDs, over everything that is not printed."""

    name = 'reported'
    title = 'What the reported table can say'

    def context(self, analysis: dict[str, Any], records: list[dict[str, Any]]) -> dict[str, Any] | Skip:
        """Skipped where the suite declares no reported results of two planned methods."""
        reported = analysis['reported']
        if not reported:
            return Skip('The suite declares no reported results of two methods whose comparison is planned, or not '
                        'the number of images behind them.')
        alpha = analysis['alpha']
        return {
            'reported': reported,
            'figure': figures.p_curves(analysis, self.styles, 'fig-reported'),
            'rows': [_row(place, one, alpha) for place, one in enumerate(reported['items'])],
            'alpha': alpha,
        }


def _row(place: int, one: dict[str, Any], alpha: float) -> dict[str, Any]:
    """What is said about a pair; ``apart``: whether the limits on the seed SD depend on the correlation."""
    seeds = seed_limits(one)
    low, high = (one['seed_sd_limit'][index] for index in seeds) if seeds else (0.0, 0.0)
    return {'place': place, 'item': one, 'images': images_say(one, alpha), 'seeds': seeds, 'apart': low < 0.9 * high,
            'failures': failures_say(one['failures'], alpha)}


def images_say(one: dict[str, Any], alpha: float) -> str:
    """Whether the printed difference goes beyond the choice of the images: always, never, or from a correlation on."""
    below = [p is not None and p < alpha for p in one['p']]
    return 'always' if all(below) else 'from' if any(below) else 'never'


def seed_limits(one: dict[str, Any]) -> tuple[int, int] | None:
    """Places of the smallest and the largest seed SD above which the difference is undecided; None without any."""
    known = [(value, place) for place, value in enumerate(one['seed_sd_limit']) if value is not None]
    return (min(known)[1], max(known)[1]) if known else None


def failures_say(failures: dict[str, Any] | None, alpha: float) -> str | None:
    """Whether the failure counts differ: always, never, or depending on how far the failed images overlap."""
    if not failures or failures['p_low'] is None:
        return None
    return 'always' if failures['p_high'] < alpha else 'never' if failures['p_low'] >= alpha else 'depends'
