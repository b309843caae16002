"""A network that is not visibly better than the mean shape is told of."""

import types

import numpy as np
import pytest


@pytest.fixture
def made(registered):
    """What a network's file keeps of validation images that are twice as large as its input, and its network."""
    import torch

    from benchmark.detector.learnt import beside_mean_shape, not_learnt

    def kept(errors, spread=6.0, images=6, subjects=None, flip=False):
        rng = np.random.default_rng(3)
        truth = np.array([[40.0, 60], [80, 60], [60, 100]]) + rng.normal(0, spread, (images, 3, 2))
        step = rng.normal(size=truth.shape)
        points = truth + errors * step / np.linalg.norm(step, axis=-1, keepdims=True)
        names = [f'{k}.png' for k in range(images)]
        place = dict(input_size=[64, 64], input_center=[64.0, 64.0], input_scale=[128.0, 128.0], flip=flip)
        return dict(images=names, subjects=subjects or names, points=torch.from_numpy(points),
                    truth=torch.from_numpy(truth), scores=torch.ones(images, 3, dtype=torch.float64),
                    per_pixel=torch.full((images,), 0.5, dtype=torch.float64), places=[place] * images)

    def network(validation, seed=0):
        return types.SimpleNamespace(validation=validation, untrained=set(), meta=dict(run=dict(seed=seed)),
                                     scheme=types.SimpleNamespace(landmarks=('a', 'b', 'c')))

    return types.SimpleNamespace(kept=kept, network=network, beside=beside_mean_shape, said=not_learnt)


def test_errors_stand_beside_those_of_the_other_subjects_mean_place(made):
    kept = made.kept(2.0, subjects=['p', 'p', 'q', 'r', 's', 't'])
    found = made.beside(kept, 'abc', set())
    truth, whose = kept['truth'].numpy(), np.array(kept['subjects'])
    means = [np.linalg.norm(truth[k] - truth[whose != whose[k]].mean(0), axis=-1).mean() / 2 for k in range(6)]
    assert found.network == pytest.approx(1.0) and found.better
    assert found.mean_shape == pytest.approx(np.mean([np.mean(means[:2]), *means[2:]]))
    # A landmark that was not annotated, or never learnt, counts for nothing.
    kept['truth'][:, 1] = np.nan
    assert made.beside(kept, 'abc', set()) == pytest.approx(made.beside(made.kept(2.0, subjects=kept['subjects']),
                                                                        'abc', {'b'}))


def test_only_what_has_not_learnt_is_warned_of(made):
    assert made.said([made.network(made.kept(2.0))]) == made.said([made.network(None)]) == ''
    text = made.said([made.network(made.kept(40.0))])
    assert text.startswith('On its 6 validation images this network is off by 20 px of its input. The mean place of')
    assert 'the network is not visibly better than that. Train it longer' in text
    two = made.said([made.network(made.kept(2.0)), made.network(made.kept(40.0), 7)])
    assert 'the network of seed 7 is off by' in two and 'Of 2' not in two
    assert ' Of 2 networks 2 are like that.' in made.said([made.network(made.kept(40.0))] * 2)
    failed = made.kept(2.0)
    failed['points'][0] = np.inf
    assert made.said([made.network(failed)]) == '' and made.beside(failed, 'abc', set()).failed == 1
    failed['points'][:3] = np.inf
    assert '(3 without a finite prediction left out) this network is off by 1 px' in made.said([made.network(failed)])
    failed['points'][:4] = np.inf
    assert 'finds no finite place for landmarks of 4 subjects' in made.said([made.network(failed)])
    rigid = made.kept(2.0, spread=0.0)  # All truths in one place: the mean shape has no error.
    assert 'without looking, is off by ' in made.said([made.network(rigid)])


def test_nothing_is_said_of_few_subjects_and_mirrored_images(made):
    assert made.beside(made.kept(40.0, subjects=['p', 'p', 'p', 'q', 'q', 'q']), 'abc', set()) is None
    assert made.beside(made.kept(40.0, flip=True), 'abc', set()) is None
