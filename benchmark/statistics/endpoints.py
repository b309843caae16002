"""Endpoints: every one of them is a mean over images of a score of the image.

Symbols: K: landmarks of an image, d_k: Euclidean error of landmark k, e_i: error of image i, t: threshold,
u: a success threshold.

=========== ============================================ ==============================
endpoint    score of image i                             unit
=========== ============================================ ==============================
ME          e_i = mean over k of d_k                     that of the errors (heatmap px)
ME_printed  sqrt(sum over k of d_k^2) / K                the same
FR          1 if e_i > t else 0                          share of images, 0..1
AUC         max(0, 1 - e_i / t)                          share of the area, 0..1
NME         mean over k of d_k / inter-ocular distance   share of that distance
ME_photo    mean over k of the error in the photograph   photo px
ME_input    mean over k of the error in network input    input px
ME_mm       mean over k of the error in millimetres      mm
SDR_<u>     share of the k with d_k <= u                 share of landmarks, 0..1
=========== ============================================ ==============================

The scores of a table are computed in :mod:`.per_image`, so that nothing here waits for pandas. Where an image is
squeezed to the network's input, d_k is a distance in squeezed pixels (the paper's protocol); those of NME, ME_photo,
ME_input and ME_mm are distances in the photograph (see :func:`benchmark.statistics.scale.isotropic`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from .arrays import Floats

#: Mean distance from a uniform point of a unit square to its centre: what a perfect heatmap read with a plain
#: argmax errs on average, in heatmap pixels (0.3826).
DECODER_FLOOR = (math.sqrt(2) + math.asinh(1)) / 6


@dataclass(frozen=True)
class Endpoint:
    """An endpoint for readers: the one place that says how it is named, which way is better and how it is written.

    Attributes:
        head: Its short name, over a column or beside a number; those that share one differ in their unit.
        label: Its name.
        description: What it is.
        better: ``lower`` or ``higher``.
        unit: Of its values in ``analysis.json``; None: that of the errors.
        factor: What values are multiplied by where they are shown, 100 for percent.
        decimals: With which they are shown then, means and differences alike.
        shown: Unit of shown means; None: that of the errors.
        difference: Unit of shown differences; None: that of the errors.
        worst: Of scores between 0 and 1: that of an image without an answer; None: they have no such bounds.
        noun: Its name in a sentence; None: the label.
        unit_words: The unit of shown differences in a sentence, where conditions may be compared in it.
    """

    head: str
    label: str
    description: str
    better: str = 'lower'
    unit: str | None = None
    factor: int = 1
    decimals: int = 3
    shown: str | None = None
    difference: str | None = None
    worst: float | None = None
    noun: str | None = None
    unit_words: str | None = None

    def described(self, unit: str) -> dict[str, Any]:
        """As ``analysis.json`` holds it; unit: that of the errors."""
        return {'head': self.head, 'label': self.label, 'description': self.description, 'better': self.better,
                'unit': unit if self.unit is None else self.unit, 'factor': self.factor, 'decimals': self.decimals,
                'shown_unit': unit if self.shown is None else self.shown,
                'difference_unit': unit if self.difference is None else self.difference}


def _distance(label: str, description: str, unit: str | None = None, unit_words: str | None = None,
              head: str = 'ME') -> Endpoint:
    return Endpoint(head, label, description, unit=unit, shown=unit, difference=unit, unit_words=unit_words)


#: Endpoints of errors that are tested, the primary one first.
TESTED = ('ME', 'FR', 'AUC', 'NME')
ENDPOINTS = {
    'ME': _distance('mean error', 'Mean over images of the mean Euclidean error of the landmarks. Primary.'),
    'ME_printed': _distance('mean error, as printed', 'The formula as the paper prints it: Frobenius norm over K, '
                            'sqrt(sum of squared errors) / K.', head='ME as printed'),
    'FR': Endpoint('FR', 'failure rate', 'Share of images whose mean error is above the threshold.',
                   unit='share of images', factor=100, decimals=1, shown='% of images', difference='percentage points',
                   worst=1.0),
    'AUC': Endpoint('AUC', 'area under the CED', 'Area under the cumulative error distribution from 0 to the '
                    'threshold, divided by the threshold.', 'higher', 'share of the area', shown='0 to 1',
                    difference='', worst=0.0, noun='AUC'),
    'NME': Endpoint('NME', 'normalised mean error', 'Mean error over the inter-ocular distance of the image.',
                    unit='share of the inter-ocular distance', factor=100, decimals=2, shown='%',
                    difference='% of the inter-ocular distance',
                    unit_words='percent of the inter-ocular distance'),
    'ME_photo': _distance('mean error, photograph', 'Mean error in pixels of the photograph, as prepared.', 'photo px',
                          'pixels of the photograph'),
    'ME_input': _distance('mean error, network input', 'Mean error in pixels of the network input.', 'input px'),
    'ME_mm': _distance('mean error, millimetres', 'Mean error in millimetres, where the pixel spacing is known.', 'mm',
                       'millimetres'),
}


def rate_endpoint(limit: str) -> Endpoint:
    """The success detection rate at a limit such as '2 mm'."""
    return Endpoint(RATE_HEAD, f'success detection rate at {limit}',
                    f'Mean over images of the share of landmarks with an error of at most {limit}.', 'higher',
                    'share of landmarks', 100, 1, '% of landmarks', 'percentage points', 0.0)


def rounded(value: float, decimals: int, factor: float = 1, fixed: bool = False) -> str:
    """A number as it is written everywhere: on the page, in sentences, in LaTeX, Markdown and CSV.

    Args:
        value: As it stands in ``analysis.json``.
        decimals: As a rule; a number of which no two digits would be left has two significant ones.
        factor: What it is multiplied by, 100 for percent.
        fixed: All numbers have these decimals, as in a column over several data sets.
    """
    scaled = value * factor
    if abs(scaled) < ROUNDING:
        return f'{0:.{decimals}f}'
    few = abs(scaled) < 0.5 * 10 ** (1 - decimals) and not fixed
    return f'{scaled:.2g}' if few else f'{scaled:.{decimals}f}'


def in_millimetres(unit: str) -> bool:
    """Whether a unit is the millimetre, as it may be written."""
    return unit.strip().lower() in MILLIMETRES


def p_text(p: float) -> str:
    """A p-value or another probability as it is written everywhere: three decimals; never 0 and never 1."""
    return '< 0.001' if p < 0.001 else '> 0.999' if p > 0.999 else f'{p:.3f}'


#: How the millimetre is written as a unit of errors.
MILLIMETRES = ('mm', 'millimetre', 'millimetres', 'millimeter', 'millimeters')
#: Shown numbers below this are rounding errors of 0.
ROUNDING = 1e-9
#: How much above a success threshold, as a share of it, an error still counts as equal: 30 pixels of 0.1 mm are 3 mm in
#: any arithmetic.
TIE = 1e-9
RATE, RATE_HEAD = 'SDR_', 'SDR'


@dataclass(frozen=True)
class Rates:
    """Which success detection rates there are.

    Attributes:
        thresholds: u, in ascending order.
        column: The errors that are compared with them: ``error`` or ``error_mm``.
        unit: Of these errors.
    """

    thresholds: tuple[float, ...]
    column: str
    unit: str

    @property
    def names(self) -> dict[str, float]:
        """Endpoint -> its threshold, as in ``SDR_2.5``."""
        return {f'{RATE}{threshold:.12g}': threshold for threshold in self.thresholds}

    @property
    def mean(self) -> str:
        """The endpoint that is the mean of these errors, the mean radial error: ``ME`` or ``ME_mm``."""
        return 'ME' if self.column == 'error' else 'ME_mm'


def is_rate(endpoint: str) -> bool:
    """Whether an endpoint is a success detection rate."""
    return endpoint.startswith(RATE)


def head(endpoint: str) -> str:
    """The short name of an endpoint."""
    return RATE_HEAD if is_rate(endpoint) else ENDPOINTS[endpoint].head


def successes(errors: Floats, threshold: float) -> Floats:
    """1 for each error of at most the threshold, 0 for larger ones, NaN where there is none."""
    errors = np.asarray(errors, dtype=np.float64)
    return np.where(np.isnan(errors), np.nan, errors <= threshold * (1 + TIE))


def printed_reading(distances: Floats) -> float:
    """The error of one image as the paper's formula reads: the Frobenius norm over K.

    Args:
        distances: Euclidean errors of the K landmarks.

    Returns:
        sqrt(sum d_k^2) / K, in the unit of the distances.
    """
    distances = np.asarray(distances, dtype=np.float64)
    return float(np.sqrt(np.sum(distances**2)) / len(distances))


def failures(errors: Floats, threshold: float) -> Floats:
    """1 for each image whose error is above the threshold (strictly), else 0."""
    return (np.asarray(errors, dtype=np.float64) > threshold).astype(np.float64)


def auc_scores(errors: Floats, threshold: float) -> Floats:
    """max(0, 1 - e/t) per image; their mean is the exact area under the empirical CED on [0, t], over t."""
    return np.maximum(0.0, 1.0 - np.asarray(errors, dtype=np.float64) / threshold)


def ced(errors: Floats, points: Floats) -> Floats:
    """Cumulative error distribution: the share of images with an error of at most each point."""
    ordered = np.sort(np.asarray(errors, dtype=np.float64))
    return np.searchsorted(ordered, points, side='right') / len(ordered)


def ced_points(errors: Floats, threshold: float, per_threshold: int = 60) -> Floats:
    """Abscissae of the CED: multiples of t/60, so that t is one of them, to between 1.5 t and 4 t."""
    reach = float(np.quantile(np.asarray(errors, dtype=np.float64), 0.98, method='higher'))
    reach = min(max(reach, 1.5 * threshold), 4 * threshold)
    steps = math.ceil(reach / threshold * 10 - 1e-9) * per_threshold // 10
    return threshold * (np.arange(steps + 1) / per_threshold)
