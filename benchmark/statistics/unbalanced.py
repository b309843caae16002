"""Where runs lack images: what a mixed model of all scores says beside the complete cases."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .mixed import Mixed, enough, mixed_contrast
from .options import Options
from .scores import Scores
from .terms import PAIRED, PLANNED, PROCEDURE
from .wording import Scale

#: Differences of so many standard errors of the complete cases are pointed out.
FAR = 1.0
#: Fewer complete images tell nothing of those left out; nor does an interval so many times as wide as that of all.
FEW, WIDE = 5, 3.0
TOO_FEW = ': the mixed model needs two seeds and two images of each method.'
NO_SPREAD = ': the mixed model has no answer, since seeds and images leave no residual spread in these scores.'


def unbalanced(scores: Scores, contrasts: Sequence[Mapping[str, Any]], condition: str, labels: Mapping[str, str],
               options: Options) -> dict[str, Any] | None:
    """The planned contrasts of the primary endpoint by REML, over all images and over those that every run has.

    Args:
        scores: Of the main condition, with its ``partial`` scores.
        contrasts: The contrasts, of all families.
        condition: The main condition's name.
        labels: Method -> its name for readers.
        options: Design and level.

    Returns:
        None where no image was left out, nothing was planned, subjects have several images, or in a cross-validation.
    """
    planned = [one for one in contrasts if (one['family'], one['endpoint'], one['scope'], one['condition']) == (
        PLANNED, scores.primary, PROCEDURE, condition)]
    if not scores.partial or not planned or scores.subjects is not None or scores.folds:
        return None
    whole = np.all([np.isfinite(values).all(axis=0) for values in scores.partial.values()], axis=0)
    items, scale = [], Scale(scores.primary, options.unit, options.measures)
    for one in planned:
        pair = [scores.partial[name] for name in (one['a'], one['b'])]
        if options.design == PAIRED:
            common = scores.common_seeds(one['a'], one['b'])
            pair = [values[scores.places(name, common)]
                    for name, values in zip((one['a'], one['b']), pair, strict=True)]
        a, b = pair
        every, complete = mixed_contrast(a, b, options.design), mixed_contrast(a[:, whole], b[:, whole], options.design)
        items.append({'endpoint': scores.primary, 'a': one['a'], 'b': one['b'],
                      'complete': _block(complete, options.alpha), 'every': _block(every, options.alpha),
                      'text': (f'{labels[one["a"]]} − {labels[one["b"]]}'
                               + (_text(one, every, complete, scale, options.alpha) if every is not None else
                                  NO_SPREAD if enough(a, b, options.design) else TOO_FEW))})
    return {'n_complete': int(whole.sum()), 'n_images': len(whole), 'items': items}


def _block(found: Mixed | None, alpha: float) -> dict[str, Any] | None:
    if found is None:
        return None
    low, high = found.interval(1 - alpha)
    return {'estimate': found.estimate, 'se': found.se, 'df': found.df, 'ci_low': low, 'ci_high': high,
            'n_images': found.n_images, 'n_scores': found.n_scores, 'variances': found.variances}


def _text(one: Mapping[str, Any], every: Mixed, complete: Mixed | None, scale: Scale, alpha: float) -> str:
    """How the two answers differ, in a sentence; judged by the same model on the complete images."""
    unit = f' {scale.unit}'.rstrip()
    told = (f': {_cell(scale, one["estimate"], one["ci_low"], one["ci_high"])}{unit} on the complete images, '
            f'{_cell(scale, every.estimate, *every.interval(1 - alpha))}{unit} by the mixed model over '
            f'{every.n_images}')
    if complete is None:
        return f'{told}; on the complete images alone the model has no answer to set beside it.'
    here, there = (found.interval(1 - alpha) for found in (complete, every))
    wide = here[1] - here[0] > WIDE * (there[1] - there[0])
    if complete.n_images < FEW or (wide and not _side(here)):
        return f'{told}; too few complete images to tell whether those left out are like them.'
    if _side(here) != _side(there):
        which = 'the complete images' if _side(here) else 'all images'
        return f'{told}; by this model only {which} tell them apart, so the answer hangs on what was left out.'
    gap = abs(every.estimate - complete.estimate) / complete.se
    if gap > FAR:
        return f'{told}; {gap:.1f} standard errors apart: the images left out are unlike the others.'
    rules = math.isfinite(one['ci_low']) and _side((one['ci_low'], one['ci_high'])) != _side(there)
    return (f'{told}; {gap:.1f} standard errors apart, so the images left out change little'
            + ('. That only one interval has zero is due to the rules of the test and of the model.' if rules else '.'))


def _side(interval: tuple[float, float]) -> int:
    """On which side of zero an interval lies; 0: it has zero."""
    return int(interval[0] > 0) - int(interval[1] < 0)


def _cell(scale: Scale, estimate: float, low: float | None, high: float | None) -> str:
    """'−0.057 [−0.101, −0.013]'."""
    text = _number(scale, estimate)
    if low is None or high is None or not math.isfinite(low) or not math.isfinite(high):
        return text
    return f'{text} [{_number(scale, low)}, {_number(scale, high)}]'


def _number(scale: Scale, value: float) -> str:
    return ('−' if value < 0 else '') + scale.number(abs(value))
