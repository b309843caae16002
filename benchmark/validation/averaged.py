"""How often the intervals of averaged networks hold: ``python -m benchmark.validation.averaged``.

Networks find landmarks on a line of 64 heatmap pixels as bumps around where they believe them; an ensemble adds the
bumps up and takes the highest place. What an image, a seed, and both together shift is normal; networks may differ in
quality, and now and then find a landmark anywhere. The truth is the mean over 2,000 other draws of seeds and images.
"""

from __future__ import annotations

import argparse
from typing import NamedTuple

import numpy as np

from benchmark.command_line import Parser
from benchmark.statistics.arrays import Floats, Masks
from benchmark.statistics.averaging import pseudo_values
from benchmark.statistics.crossed import crossed_contrast, crossed_mean, fixed_seeds_mean
from benchmark.statistics.estimates import Estimate

from .markdown import markdown_table, short

PLACES, MIDDLE, WIDTH = np.arange(64.0), 32, 8.0
IMAGES, LANDMARKS = 40, 3


class Kind(NamedTuple):
    """How networks differ: SD over seeds of a landmark's shift, and of the logarithm of a network's quality; SD of what
    a network does on an image, both in heatmap pixels; share of landmarks that are found anywhere."""

    seeds: float
    quality: float
    each: float
    anywhere: float


KINDS = {'alike': Kind(0.3, 0, 1, 0), 'shifted': Kind(1, 0.3, 1, 0), 'gross errors': Kind(0.3, 0.2, 1, 0.06),
         'unequal quality': Kind(0.2, 0.6, 1.5, 0.03)}


class Drawn(NamedTuple):
    """Errors of ensembles (R, N), Q (R, S, N), and of single networks (R, S, N)."""

    whole: Floats
    pseudo: Floats
    single: Floats


def draw(rng: np.random.Generator, kind: Kind, repeats: int, seeds: int) -> Drawn:
    """Draws experiments."""
    shape = repeats, seeds, IMAGES, LANDMARKS
    of_image = rng.normal(0, 1, (repeats, 1, *shape[2:])) + rng.normal(0, 0.7, (repeats, 1, IMAGES, 1))
    quality = np.exp(kind.quality * rng.normal(size=(repeats, seeds, 1, 1)))
    found = MIDDLE + of_image + kind.seeds * rng.normal(size=(repeats, seeds, 1, LANDMARKS))
    found = found + kind.each * quality * rng.normal(size=shape)
    found = np.where(rng.random(shape) < kind.anywhere * quality, rng.uniform(0, 63, shape), found)
    maps = np.exp(-((PLACES - found[..., None]) ** 2) / WIDTH)
    total = maps.sum(1)
    without = np.stack([_errors(total - maps[:, seed]) for seed in range(seeds)], 1)
    whole = _errors(total)
    pseudo = np.stack([pseudo_values(one, out) for one, out in zip(whole, without, strict=True)])
    return Drawn(whole, pseudo, _errors(maps))


def _errors(maps: Floats) -> Floats:
    """Mean over landmarks of the distance of a map's highest place, to the part of a pixel, from the middle."""
    place = np.clip(maps.argmax(-1), 1, len(PLACES) - 2)
    left, top, right = (np.log(np.take_along_axis(maps, (place + step)[..., None], -1)[..., 0] + 1e-12)
                        for step in (-1, 0, 1))
    bend = left - 2 * top + right
    moved = np.where(bend < -1e-9, np.clip((left - right) / 2 / np.where(bend < -1e-9, bend, 1), -1, 1), 0)
    found: Floats = np.abs(place + moved - MIDDLE).mean(-1)
    return found


def rates(rng: np.random.Generator, kind: Kind, seeds: int, repeats: int) -> list[float]:
    """Shares of experiments: the ensemble's error in its interval; the gain in its interval, and in that of these
    networks; and two alike methods called different at 5 %."""
    truth = [draw(rng, kind, 400, seeds) for _ in range(5)]
    error = float(np.mean([one.whole.mean() for one in truth]))
    gain = float(np.mean([(one.whole - one.single.mean(1)).mean() for one in truth]))
    found = []
    for _ in range(0, repeats, 250):
        a, b = (draw(rng, kind, min(250, repeats), seeds) for _ in range(2))
        networks = fixed_seeds_mean((a.whole - a.single.mean(1))[:, None])
        found.append([_holds(crossed_mean(a.pseudo), error), _holds(crossed_mean(a.pseudo - a.single), gain),
                      _holds(networks, gain), crossed_contrast(a.pseudo, b.pseudo).p < 0.05])
    return [float(share) for share in np.array(found, np.float64).mean(axis=(0, 2))]


def _holds(one: Estimate, truth: float) -> Masks:
    low, high = one.interval(0.95)
    held: Masks = (low <= truth) & (truth <= high)
    return held


def main(argv: list[str] | None = None) -> int:
    """Prints the table."""
    parser = Parser(prog='python -m benchmark.validation.averaged', description=__doc__,
                    formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--repeats', type=int, default=1000, metavar='N', help='experiments a line (default: 1000)')
    parser.add_argument('--seeds', type=int, nargs='+', default=[2, 3, 5, 10], metavar='S', help='numbers of networks')
    args = parser.parse_args(argv)
    rng = np.random.default_rng(0)
    lines = [[name, seeds, *map(short, rates(rng, kind, seeds, args.repeats))]
             for name, kind in KINDS.items() for seeds in args.seeds]
    print(markdown_table(['networks', 'seeds', 'error', 'gain', 'gain, these networks', 'type-I error'], lines), end='')
    return 0


if __name__ == '__main__':
    raise SystemExit(main())
