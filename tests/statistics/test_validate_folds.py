"""The simulated cross-validations of the validation: the law of their suites, the rules of others, and their tables."""

import numpy as np
import pytest
from scipy import stats

from benchmark.validation import folds, tables
from benchmark.validation.folds import OURS, Drawn, five_by_two, modelled, p_values, suites
from benchmark.validation.plan import QUICK, Folded, cross_validations
from benchmark.validation.trainings import Photographs, Trained, cross_validated, deal, errors, kept

TRAINED = Folded('trained', 'small', 0.3, 2, 5)


def test_persons_are_dealt_out_to_folds_of_nearly_one_size():
    fold = deal(np.random.default_rng(0), 7, 3, 4, 30)
    counts = np.array([[np.bincount(row, minlength=4) for row in one] for one in fold])
    assert fold.shape == (7, 3, 30) and counts.min() == 7 and counts.max() == 8
    assert len({tuple(row) for one in fold for row in one}) == 21


def test_each_image_is_tested_by_the_network_that_has_not_seen_it():
    rng = np.random.default_rng(1)
    data, training = Photographs(rng, 3, 10, 2), Trained(8, 1.0, 0.0)
    fold = deal(rng, 3, 2, 5, 10).repeat(2, axis=-1)
    found = cross_validated(rng, data, training, fold)
    for one in range(5):
        weights = (fold[:, 1] != one).astype(float)
        for method in (0, 1):
            tested = fold[:, 1] == one
            assert np.allclose(found[:, method, 1][tested], errors(rng, data, method, training, weights)[tested])


def test_ridge_regression_is_that_of_the_chosen_images():
    rng = np.random.default_rng(2)
    data, training = Photographs(rng, 1, 10, 2), Trained(6, 0.5, 0.0)
    weights = (np.arange(20) < 14).astype(float)[None]
    fixed = np.random.default_rng(5).standard_normal((5, 6))
    features = np.tanh(0.7 * (data.views[0][0] @ fixed[:-1] + fixed[-1]))
    features = np.hstack([features, np.ones((20, 1))])
    solved = np.linalg.lstsq(np.vstack([features[:14], np.sqrt(0.5) * np.eye(7)]),
                             np.vstack([data.landmarks[0, :14], np.zeros((7, 6))]), rcond=None)[0]
    away = (features @ solved - data.landmarks[0]).reshape(20, 3, 2)
    assert np.allclose(errors(rng, data, 0, training, weights)[0], np.linalg.norm(away, axis=-1).mean(axis=-1))


def test_what_only_validates_is_whole_persons():
    weights = np.repeat((np.arange(15) < 12).astype(float), 2)[None]
    found = kept(np.random.default_rng(0), weights, 0.25)
    assert found.sum() == 18 and (found[:, ::2] == found[:, 1::2]).all() and (found <= weights).all()


def test_methods_are_equal_by_symmetry():
    cell = Folded('trained', 'middle', 0.3, 1, 5)
    drawn = suites(cell, np.random.default_rng(3), 400)
    differences = drawn.differences.mean(axis=(1, 2))
    assert abs(differences.mean()) < 4 * differences.std() / 20
    assert drawn.scores[:, 0].std() == pytest.approx(drawn.scores[:, 1].std(), rel=0.05)


def test_effects_of_training_sets_that_overlap_correlate(monkeypatch):
    for name in ('IMAGE', 'METHOD_IMAGE', 'RESIDUAL', 'METHOD_PERSON', 'REPETITION'):
        monkeypatch.setattr(folds, name, 0.0)
    fold = np.tile(np.arange(40) % 5, (4000, 1, 1))
    scores = modelled(Folded('model', 'large', 0.01, 1, 5, persons=40), np.random.default_rng(4), fold)
    means = np.stack([scores[:, 0, 0, 2 * np.flatnonzero(fold[0, 0] == one)[0]] for one in range(5)])
    # Of 32 training persons two folds share 24; seeds are each network's own.
    assert np.cov(means)[0, 1] == pytest.approx(0.02**2 * 24 / 32, rel=0.1)
    assert means.var() == pytest.approx(0.02**2 + 0.01**2, rel=0.05)


def test_the_combined_5x2cv_test_by_hand():
    means = np.array([[[0.1, 0.3], [0.2, 0.1], [0.0, 0.2], [0.3, 0.3], [0.1, -0.1]]])
    spread = sum(((pair - pair.mean()) ** 2).sum() for pair in means[0])
    assert five_by_two(means)[0] == pytest.approx(stats.f.sf((means**2).sum() / (2 * spread), 10, 5))


def test_the_rules_of_folds_by_hand():
    drawn = suites(TRAINED, np.random.default_rng(5), 3)
    found = p_values(drawn)
    d = drawn.differences[1]
    each = np.array([[d[row][drawn.fold[1, row] == one].mean() for one in range(5)] for row in range(2)]).ravel()
    t = each.mean() / np.sqrt(each.var(ddof=1) * (1 / 10 + 1 / 4))
    assert found[folds.RESAMPLED][1] == pytest.approx(2 * stats.t.sf(abs(t), 9))
    persons = d.mean(axis=0).reshape(30, 2).mean(axis=1)
    plain = stats.ttest_1samp(persons, 0)
    assert found[folds.PERSONS][1] == pytest.approx(plain.pvalue)
    assert found[OURS][1] == pytest.approx(2 * stats.t.sf(abs(plain.statistic) / 1.5, 29))
    assert folds.DIETTERICH not in found and (found[folds.LARGER] >= found[folds.RESAMPLED]).all()
    shifted = drawn.shifted(0.1)
    assert isinstance(shifted, Drawn) and np.allclose(shifted.differences, drawn.differences + 0.1)


def test_the_study_and_its_tables():
    cells = [Folded('trained', 'small', 0.3, 1, 5), Folded('trained', 'small', 0.3, 5, 5, split=True)]
    assert {cell.size for cell in cross_validations()} == {'none', 'small', 'middle', 'large'}
    rows = [row for cell in cells for row in folds.folds(cell, QUICK)]
    again = [row for cell in cells for row in folds.folds(cell, QUICK)]
    assert rows == again
    ours = {row['study']: row for row in rows if row['ours'] and not row['split']}
    assert ours['folds: error']['rate'] < 0.15 < ours['folds: power']['rate']
    split = {row['test']: row for row in rows if row['study'] == 'folds: information'}
    assert split['5 x 5 folds']['ratio'] == 1 and split['one split, 5 seeds']['ratio'] < 0.6
    text = tables.report(rows, QUICK)
    assert text.count('Cross-validation by person') == 3 and '| trained | 1 x 5 | small | 0.3 |' in text
