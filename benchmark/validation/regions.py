"""How often regions hold on real predictions: ``python -m benchmark.validation.regions RESULTS --calibration 15``.

The test images of finished runs are split again and again into calibration and test, by subject. Each split calibrates
regions as ``tools/predict.py`` does and counts how often they hold on the rest: of its landmarks the landmarks' own
regions, of its images those that hold together.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from benchmark.statistics.arrays import Floats
from benchmark.statistics.conformal import calibrate, promise
from benchmark.statistics.reading import read_table


class Held(NamedTuple):
    """Means over splits.

    Attributes:
        each: Share of landmarks that lie in their own region.
        together: Share of images all of whose landmarks lie in the regions that hold together.
        radius, radius_all: Mean radii of both, in the unit of the errors.
        low, high: Between them lie 90 of 100 splits' ``together``.
    """

    each: float
    together: float
    radius: float
    radius_all: float
    low: float
    high: float


def resplit(errors: Floats, doubt: Floats, units: Sequence[str], calibration: int, level: float, splits: int,
            seed: int) -> Held:
    """Coverage over splits.

    Args:
        errors: Of N images and K landmarks, shape (N, K); NaN where a landmark is not annotated.
        doubt: 1 less their scores.
        units: The subject of each image.
        calibration: Subjects that calibrate.
        level: Coverage that is asked for.
        splits: Number of splits.
        seed: Of the splits.
    """
    rng = np.random.default_rng(seed)
    names, codes = np.unique(np.asarray(units), return_inverse=True)
    known, found = ~np.isnan(errors), []
    for _ in range(splits):
        first = np.isin(codes, rng.permutation(len(names))[:calibration])
        regions = calibrate(errors[first], names[codes[first]].tolist(), level, doubt[first])
        each, together = regions.radii(doubt[~first], None)
        rest, there = errors[~first], known[~first]
        found.append([(rest <= each)[there].mean(), ((rest <= together) | ~there).all(axis=1).mean(),
                      np.nanmean(each), together.mean()])
    table = np.array(found)
    low, high = np.quantile(table[:, 1], [0.05, 0.95])
    each, together, radius, radius_all = table.mean(axis=0).tolist()
    return Held(each, together, radius, radius_all, float(low), float(high))


def main() -> None:
    """Prints a line per method and condition."""
    parser = argparse.ArgumentParser(prog='python -m benchmark.validation.regions', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('results', help='results.parquet of a suite')
    parser.add_argument('--calibration', type=int, default=15, help='subjects that calibrate (default: 15)')
    parser.add_argument('--coverage', type=float, default=0.9, help='coverage that is asked for (default: 0.9)')
    parser.add_argument('--splits', type=int, default=200, help='splits per run (default: 200)')
    parser.add_argument('--method', help='one method only')
    args = parser.parse_args()
    said = promise(args.calibration, args.coverage)
    print(f'expected {said.rank / (said.units + 1):.3f}; 90 in 100 calibrations: {said.low:.3f} to {said.high:.3f}')
    table = read_table(args.results)
    for (method, condition), own in table.groupby(['method', 'condition'], sort=False, observed=True):
        if args.method in (None, method):
            held = np.mean([_run(rows, args) for _, rows in own.groupby('seed')], axis=0)
            each, together, radius, radius_all, low, high = held
            print(f'{method}, {condition}: landmarks {each:.3f}, images {together:.3f} ({low:.2f} to {high:.2f}); '
                  f'radius {radius:.2f} and {radius_all:.2f} px of the input')


def _run(rows: pd.DataFrame, args: argparse.Namespace) -> Held:
    wide = rows.pivot(index='image', columns='landmark', values=['error_input', 'score'])
    subjects = rows.groupby('image')['subject'].first().loc[wide.index].astype(str).tolist()
    return resplit(wide['error_input'].to_numpy(np.float64), 1 - wide['score'].to_numpy(np.float64), subjects,
                   args.calibration, args.coverage, args.splits, int(rows['seed'].iloc[0]))


if __name__ == '__main__':
    main()
