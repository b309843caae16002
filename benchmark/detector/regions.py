"""Regions around predicted landmarks, calibrated on the validation images that networks' files tell of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmark.statistics.conformal import Regions, TooFew, calibrate

from .loaded import DetectorError, Network, untrained_by_any
from .validated import Validated, read_validated, validated_together

#: Coverage where nobody asks for another one.
USUAL = 0.9
#: What validation images have decided besides, in words.
CHOSE = {'trial': 'They have also chosen the trial', 'epoch': 'They have also chosen the epoch'}


@dataclass(frozen=True)
class Circles:
    """Regions of a prediction's landmarks.

    Attributes:
        landmarks: K names.
        regions: In pixels of the input.
        count: Calibration images.
        chose: What these images have decided besides: ``trial``, ``epoch`` or None.
    """

    landmarks: tuple[str, ...]
    regions: Regions
    count: int
    chose: str | None

    def radii(self, scores: np.ndarray, spread: np.ndarray | None,
              per_input: float) -> tuple[list[float | None], list[float | None]]:
        """Radii of the landmarks' own regions and of those that hold together; None where there is none.

        Args:
            scores: (K,).
            spread: (K,) in pixels of the photograph, or None.
            per_input: Pixels of the photograph (square ones) per pixel of the input.

        Returns:
            Twice K radii, in pixels of the photograph, square ones.
        """
        found = self.regions.radii(1 - scores[None], None if spread is None else spread[None] / per_input)
        each, together = ([float(value) * per_input if np.isfinite(value) else None for value in one[0]]
                          for one in found)
        return each, together

    def content(self) -> dict[str, Any]:
        """What makes them the ones that they are."""
        found = self.regions
        return dict(level=found.promise.level, units=found.promise.units, together=_plain(found.together),
                    each=[_plain(value) for value in found.each])

    def in_words(self, left_out: set[str]) -> str:
        """What they promise.

        Args:
            left_out: Landmarks that have no row.
        """
        said, level = self.regions.promise, f'{100 * self.regions.promise.level:g} %'
        subjects = f' ({said.units} subjects)' if said.units != self.count else ''
        text = (f'A circle holds its landmark on {level} of new photographs that are like the validation images. It is '
                f'calibrated on {self.count} of these{subjects}; by their luck, 90 of 100 such calibrations would give '
                f'{100 * said.low:.0f} to {100 * said.high:.0f} %. Circles of radius_all hold all landmarks of a '
                f'photograph at once, on {level} of photographs.')
        if self.chose:
            text += f' {CHOSE[self.chose]} of the training, so circles may be too small.'
        if lacking := [name for name, value in zip(self.landmarks, self.regions.each, strict=True)
                       if not np.isfinite(value) and name not in left_out]:
            text += f' No circle, as too few validation images have it: {", ".join(lacking)}.'
        return text


def _plain(value: float) -> float | None:
    return round(float(value), 6) if np.isfinite(value) else None


def circles(networks: Sequence[Network], level: float | None) -> Circles | str:
    """Regions for the predictions of a network or an ensemble, or why there are none.

    Args:
        networks: One, or an ensemble's.
        level: Coverage that is asked for; None: the usual one, where there can be regions.

    Raises:
        DetectorError: A coverage is asked for and can't be given.
    """
    try:
        return _circles(networks, USUAL if level is None else level)
    except (DetectorError, TooFew) as error:
        if level is None:
            return f'no regions: {error}'
        remedy = 'Ask for less, or leave it out' if isinstance(error, TooFew) else 'Leave it out'
        raise DetectorError(f'--coverage {level:g}: {error}. {remedy}.') from None


def _circles(networks: Sequence[Network], level: float) -> Circles:
    first = networks[0]
    kept = []
    for network in networks:
        if network.validation is None:
            raise DetectorError(f'{network.path} tells of no validation images (it has none, or was made before this '
                                'was kept): regions take a training on data with some')
        kept.append(network.validation)
    for network, one in zip(networks, kept, strict=True):
        if (one['images'], one['subjects']) != (kept[0]['images'], kept[0]['subjects']):
            raise DetectorError(f'{network.path} has other validation images than {first.path}: some may be what the '
                                'other one has learnt on')
    found = read_validated(kept[0]) if len(kept) == 1 else _together(networks, kept)
    errors = found.errors
    left_out = untrained_by_any(networks)
    errors[:, [name in left_out for name in first.scheme.landmarks]] = np.nan
    regions = calibrate(errors, found.subjects, level, 1 - found.scores, found.spread)
    chose = next((one['chose'] for one in kept if one['chose']), None)
    return Circles(first.scheme.landmarks, regions, len(found.images), chose)


def _together(networks: Sequence[Network], kept: Sequence[dict[str, Any]]) -> Validated:
    found = validated_together(kept, networks[0].model.head.decoder)
    if found is None:
        raise DetectorError(f'{networks[0].path} or another network has kept no heatmaps of its validation images, so '
                            'that they are known of one network, not of an ensemble')
    return found
