"""The endpoints of one analysis: those of errors, or scores that the user names, each with its own direction.

A score is any number per image (or landmark) of which less is better or more is better: Dice, accuracy, a boundary
distance. Its endpoint is its mean over images, under its own name. A failure rate is there where a threshold is
declared; an area under the error distribution is not, since it needs a best value that a score has only by its nature.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from .endpoints import ENDPOINTS, TESTED, Endpoint, Rates, is_rate, rate_endpoint
from .errors import TableError

LOWER, HIGHER = 'lower', 'higher'
#: Scores of which more is better wherever they are used: without a declared direction such a name is refused.
USUALLY_HIGHER = ('acc', 'accuracy', 'ap', 'auc', 'auprc', 'auroc', 'bleu', 'dice', 'dsc', 'f1', 'iou', 'jaccard',
                  'map', 'miou', 'nsd', 'pck', 'precision', 'psnr', 'r2', 'recall', 'sdr', 'sensitivity',
                  'specificity', 'ssim')
#: Most decimals with which a score is written.
MOST_DECIMALS = 8
FAILURES = 'FR'
#: The results table holds the primary score as ``error``, each further one under its name after this.
FURTHER = 'score: '
#: And values of a user's metric under its name after this.
METRIC = 'metric: '


@dataclass(frozen=True)
class Score:
    """A column of scores: its name, which way is ``better`` (``lower`` or ``higher``), and its unit."""

    name: str
    better: str = LOWER
    unit: str = ''


def column_of(score: str) -> str:
    """The column of the validated table that has a score which is not the primary one."""
    return FURTHER + score


def metric_column(metric: str) -> str:
    """The column that has the values of a metric, the image's in each of its rows."""
    return METRIC + metric


@dataclass(frozen=True)
class Measures:
    """The table of endpoints of one analysis.

    Attributes:
        about: Endpoint -> what it is, in the order in which they are shown.
        tested: Endpoints that are tested, the primary one first.
        scores: Columns of scores, where the table has no errors.
        metrics: Endpoints that a user's class computes, beside those of errors.
    """

    about: Mapping[str, Endpoint]
    tested: tuple[str, ...] = TESTED
    scores: tuple[Score, ...] = ()
    metrics: tuple[str, ...] = ()

    def __getitem__(self, endpoint: str) -> Endpoint:
        return rate_endpoint(endpoint) if self.rate(endpoint) else self.about[endpoint]

    @property
    def primary(self) -> str:
        """The endpoint that ranks and headlines are about."""
        return self.tested[0]

    def rate(self, endpoint: str) -> bool:
        """Whether an endpoint is a success detection rate."""
        return not self.scores and is_rate(endpoint)

    def lower(self, endpoint: str) -> bool:
        """Whether a smaller value of the endpoint is the better one."""
        return self[endpoint].better == LOWER

    def worst(self, endpoint: str) -> float | None:
        """The score of an image without an answer, where scores lie between 0 and 1."""
        return self[endpoint].worst

    def share(self, endpoint: str) -> bool:
        """Whether an endpoint is a mean of scores between 0 and 1."""
        return self.worst(endpoint) is not None

    def names(self, rates: Rates | None) -> list[str]:
        """All endpoints that there may be, in their order."""
        return [*self.about, *(rates.names if rates else ())]

    def described(self, names: Sequence[str], unit: str, rates: Rates | None = None) -> dict[str, dict[str, object]]:
        """Label, unit, meaning and direction of endpoints, and how their numbers are written."""
        about = dict(self.about)
        if rates is not None:
            about |= {name: rate_endpoint(f'{threshold:g} {rates.unit}') for name, threshold in rates.names.items()}
        return {name: one.described(unit) for name, one in about.items() if name in names}


#: The endpoints of errors.
ERRORS = Measures(ENDPOINTS)


def usually_higher(name: str) -> bool:
    """Whether a name is that of a score of which more is better, as ``dice``, ``meanDice`` and ``AP50`` are."""
    words = [word for text in (name, re.sub(r'(?<=[a-z])(?=[A-Z])', ' ', name))
             for word in re.split(r'[^a-z0-9]+', text.lower())]
    return bool({*words, *(word.rstrip('0123456789') for word in words)} & {*USUALLY_HIGHER})


def declared_scores(names: Iterable[str], higher: Iterable[str] = (), lower: Iterable[str] = (),
                    units: Iterable[str] = ()) -> tuple[Score, ...]:
    """Columns of scores as they are asked for: the first is the primary one.

    Args:
        names: Columns in their order; those of ``higher`` and ``lower`` that are not among them come after.
        higher: Columns of which more is better.
        lower: Columns of which less is better.
        units: As in ``hd95=mm``; one without a name is that of the primary score.

    Raises:
        TableError: A unit of no score; a name twice, in both directions, or without one although more of it is better
            as a rule.
    """
    names, higher, lower = [*names], [*higher], [*lower]
    for option, own in (('--score', names), ('--higher-is-better', higher), ('--lower-is-better', lower)):
        if twice := [name for name in own if own.count(name) > 1]:
            raise TableError(f'{option}: {twice[0]}: given twice; give it once')
    if both := [name for name in higher if name in lower]:
        raise TableError(f'--higher-is-better: {both[0]} is given with --lower-is-better too; one direction is meant')
    found = []
    for name in dict.fromkeys([*names, *higher, *lower]):
        if name not in (*higher, *lower) and usually_higher(name):
            raise TableError(f'--score: {name}: more of it is better as a rule, and no direction is declared; give '
                             f'--higher-is-better {name} (or --lower-is-better {name}, if less is)')
        found.append(Score(name, HIGHER if name in higher else LOWER))
    return _with_units(found, units)


def _with_units(scores: Sequence[Score], units: Iterable[str]) -> tuple[Score, ...]:
    given: dict[str, str] = {}
    for text in units:
        name, sign, unit = (part.strip() for part in text.rpartition('='))
        name = name if sign else scores[0].name
        if name not in (one.name for one in scores):
            raise TableError(f'--unit: {name}: no score; there are {", ".join(one.name for one in scores)}')
        if name in given:
            raise TableError(f'--unit: {name}: given twice; give it once')
        given[name] = unit
    return tuple(replace(one, unit=given.get(one.name, '')) for one in scores)


def own_cap(texts: Sequence[str] | None, scores: Sequence[Score]) -> tuple[float | None, dict[str, float]]:
    """What a missing prediction counts as: an error or the primary score, and each further score.

    Args:
        texts: Numbers; of scores as in ``hd95=50``, one without a name is that of the primary score.
        scores: The primary one first; empty: the table has errors.

    Raises:
        TableError: No number, a name of no score, or one given twice.
    """
    found: dict[str, float] = {}
    primary = scores[0].name if scores else ''
    for text in texts or ():
        name, sign, number = (part.strip() for part in text.rpartition('='))
        name = name if sign else primary
        if name not in (primary, *(one.name for one in scores)):
            known = f'there are {", ".join(one.name for one in scores)}' if scores else 'the table has errors'
            raise TableError(f'--missing-cap: {name}: no score; {known}')
        if name in found:
            raise TableError(f'--missing-cap: {name or "the error"}: given twice; give it once')
        try:
            found[name] = float(number)
        except ValueError:
            raise TableError(f'--missing-cap: {text!r} is no number, nor of the form NAME=NUMBER') from None
        if not math.isfinite(found[name]):
            raise TableError(f'--missing-cap: {text!r} is not finite; give a number')
    return found.pop(primary, None), found


def of_scores(scores: Sequence[Score], sizes: Mapping[str, float], threshold: float | None) -> Measures:
    """The endpoints of a table of scores.

    Args:
        scores: Its columns, the primary one first.
        sizes: Score -> its usual distance from 0, by which decimals are chosen.
        threshold: Failure threshold of the primary score; None: there is no failure rate.

    Raises:
        TableError: A score has the name of the failure rate.
    """
    about = {one.name: Endpoint(one.name, f'mean {one.name}', f'Mean over images of {one.name}.'
                                + (' Primary.' if place == 0 else ''), one.better, one.unit,
                                decimals=_decimals(sizes[one.name]), shown=one.unit, difference=one.unit)
             for place, one in enumerate(scores)}
    if FAILURES in about:
        raise TableError(f'--score: {FAILURES} is the name of the failure rate; rename the column')
    if threshold is not None:
        first = scores[0]
        side = 'above' if first.better == LOWER else 'below'
        about[FAILURES] = Endpoint(
            FAILURES, 'failure rate', f'Share of images whose {first.name} is {side} the threshold.',
            unit='share of images', factor=100, decimals=1, shown='% of images', difference='percentage points',
            worst=1.0)
    return Measures(about, tuple(about), tuple(scores))


def _decimals(size: float) -> int:
    """Three from 0.1 to 10, as of errors; one less for each power of ten above, one more for each below."""
    if not size > 0 or not math.isfinite(size):
        return 3
    power = math.floor(math.log10(size))
    return min(max(3 - max(power, 0) if power >= 0 else 2 - power, 0), MOST_DECIMALS)
