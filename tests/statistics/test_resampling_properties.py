"""What must hold of seeds and images that are drawn at random, for any data."""

import math

import numpy as np
import pytest
from drawn import DESIGNS, quick, same, tables
from hypothesis import given
from hypothesis import strategies as st

from benchmark.statistics.resampling import WeightDraws, bootstrap_means, image_weights, seed_weights


@quick
@given(tables(methods=2, equal_seeds=False), st.integers(0, 9), DESIGNS)
def test_bootstrap_means_by_weights_are_means_of_resampled_copies(errors, seed, design):
    named = dict(zip('ab', errors, strict=True))
    n = errors[0].shape[1]
    drawn = WeightDraws(seed, 0, 6, design)
    counts = drawn.images(n) * n
    assert counts == pytest.approx(np.rint(counts), abs=1e-9) and counts.sum(axis=1) == pytest.approx(n)
    found = bootstrap_means({'ME': named}, 6, seed, design)['ME']
    for column, (name, values) in enumerate(named.items()):
        s = len(values)
        weights = drawn.seeds(name, s)
        # Back from the stretched weights to the counts of a plain bootstrap.
        times = np.ones((6, 1)) if s == 1 else 1 + (weights - 1 / s) / math.sqrt(s / (s - 1)) * s
        assert times == pytest.approx(np.rint(times), abs=1e-9) and times.sum(axis=1) == pytest.approx(s)
        for draw in range(6):
            images = np.repeat(np.arange(n), np.rint(counts[draw]).astype(int))
            seeds = np.repeat(np.arange(s), np.rint(times[draw]).astype(int))
            plain, middle = values[seeds][:, images].mean(), values[:, images].mean()
            stretch = math.sqrt(s / (s - 1)) if s > 1 else 1
            same(found[draw, column], middle + stretch * (plain - middle))


@quick
@given(tables(methods=2, equal_seeds=False), st.integers(0, 9))
def test_drawing_images_or_seeds_alone_keeps_the_rest(errors, seed):
    named = dict(zip('ab', errors, strict=True))
    n = errors[0].shape[1]
    drawn = WeightDraws(seed, 0, 5, 'nested')
    images, seeds = (bootstrap_means({'ME': named}, 5, seed, over=[kind])['ME'] for kind in ('images', 'seeds'))
    for column, (name, values) in enumerate(named.items()):
        same(images[:, column], drawn.images(n) @ values.mean(axis=0))
        same(seeds[:, column], drawn.seeds(name, len(values)) @ values.mean(axis=1))


def test_paired_methods_share_their_seeds_and_nested_ones_do_not():
    for design, shared in (('paired', True), ('nested', False)):
        drawn = WeightDraws(0, 0, 50, design)
        assert np.array_equal(drawn.seeds('a', 3), drawn.seeds('b', 3)) == shared


@pytest.mark.parametrize('n_seeds', [2, 3, 4, 5])
def test_stretched_seed_weights_have_the_variance_of_a_mean(n_seeds):
    every = np.array(np.meshgrid(*[range(n_seeds)] * n_seeds)).reshape(n_seeds, -1).T  # all draws, each as likely

    def integers(low, high, size, dtype):
        assert (low, high, size) == (0, n_seeds, every.shape)
        return every.astype(dtype)

    draws = type('Every', (), {'integers': staticmethod(integers)})
    values = np.random.default_rng(n_seeds).normal(size=n_seeds)
    means = seed_weights(draws, len(every), n_seeds) @ values
    assert means.mean() == pytest.approx(values.mean(), abs=1e-12)
    assert means.var() == pytest.approx(values.var(ddof=1) / n_seeds, rel=1e-12)
    plain = image_weights(draws, len(every), n_seeds) @ values
    assert plain.var() == pytest.approx(values.var() / n_seeds, rel=1e-12)
