"""Tables that hypothesis draws, their contrasts, and how their numbers are compared."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from benchmark.statistics import auc_scores, failures
from benchmark.statistics.contrasts import contrasts
from benchmark.statistics.crossed import mean_squares
from benchmark.statistics.scores import Scores

quick = settings(max_examples=settings().max_examples * 2 // 5)
few = settings(max_examples=max(3, quick.max_examples // 5))

DESIGNS = st.sampled_from(['nested', 'paired'])
LEVELS = st.sampled_from([0.01, 0.05, 0.2])

THRESHOLD = 1.2


@st.composite
def tables(draw, methods=2, least_seeds=1, most_seeds=5, least_images=2, most_images=12, equal_seeds=True, coarse=True):
    """Errors (S, N) of each method; half of them on a coarse grid, with ties, zeros and equal columns."""
    n_images = draw(st.integers(least_images, most_images))
    seeds = [draw(st.integers(least_seeds, most_seeds)) for _ in range(1 if equal_seeds else methods)] * methods
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    grid = coarse and draw(st.booleans())
    found = []
    for method in range(methods):
        shape = (seeds[method], n_images)
        if grid:
            found.append(draw(hnp.arrays(np.float64, shape, elements=st.integers(0, 9).map(lambda k: k / 4))))
        else:
            image, seed = rng.gamma(4, 0.25, n_images), rng.normal(0, draw(st.sampled_from([0.0, 0.05, 0.3])), shape[0])
            found.append(np.abs(image + seed[:, None] + rng.normal(0, 0.3, shape) + 0.1 * method))
    return found


def is_settled(*tables_):
    """Not exactly where the seeds' share of the variance begins: there rounding decides on the degrees of freedom."""
    for values in tables_:
        squares = mean_squares(values)
        if squares.n_seeds > 1 and squares.n_images > 1:
            size = np.abs(values).max() ** 2 + 1e-300
            if abs(float(squares.seed - squares.residual)) < 1e-9 * size and float(squares.residual) > 1e-12 * size:
                return False
    return True


def parts(a, b, design):
    return [a - b] if design == 'paired' else [a, b]


def numbers(one):
    return np.array([one.estimate, one.se, one.df, one.t, one.p, *one.interval(0.95)], float)


def same(found, expected, tolerance=1e-12):
    assert np.asarray(found, float) == pytest.approx(np.asarray(expected, float), rel=tolerance, abs=tolerance,
                                                     nan_ok=True)


def scores_of(errors, threshold=THRESHOLD):
    """Scores of one condition, method -> errors (S, N)."""
    n_images = next(iter(errors.values())).shape[1]
    values = {'ME': errors, 'FR': {name: failures(one, threshold) for name, one in errors.items()},
              'AUC': {name: auc_scores(one, threshold) for name, one in errors.items()}}
    return Scores('all', [f'i{k:02}' for k in range(n_images)], [],
                  {name: [*range(len(one))] for name, one in errors.items()}, values,
                  dict.fromkeys(values, np.ones(n_images, bool)))


def family(errors, options, threshold=THRESHOLD, pairs=None):
    names = [*errors]
    pairs = pairs or [(names[0], name) for name in names[1:]]
    return contrasts(scores_of(errors, threshold), 'all', 'planned', pairs, options)


def frame(errors):
    return pd.DataFrame([(name, seed, f'i{image:02}', value) for name, values in errors.items()
                         for seed, row in enumerate(values) for image, value in enumerate(row)],
                        columns=['method', 'seed', 'image', 'error'])
