"""Verification and linear probes: hand-computed values, and intervals that hold what they say."""

import numpy as np
import pytest

from benchmark.judging.probes import (
    STRENGTHS,
    Landmarks,
    folds_of,
    identification,
    kernel,
    landmark_probe,
    mean_over,
    ridge,
)
from benchmark.judging.verification import JudgingError, Pairs, pairs_of, similarities, verify


def made_pairs(same):
    """Pairs over one image of each of so many people; who they are does not matter without draws."""
    count = len(same)
    return Pairs(np.arange(count), np.arange(count) + count, np.array(same))


@pytest.mark.parametrize(('scores', 'same', 'auc'), [
    ([4, 3, 2, 1], [True, True, False, False], 1.0),
    ([1, 2, 3, 4], [True, True, False, False], 0.0),
    # Of the four comparisons: 3 > 2, 3 > 1, 2 = 2 (a half), 2 > 1.
    ([3, 2, 2, 1], [True, True, False, False], 3.5 / 4),
    ([1, 1, 1, 1], [True, False, True, False], 0.5),
])
def test_auc_counts_pairs_that_are_ordered_right_and_half_of_the_ties(scores, same, auc):
    pairs = made_pairs(same)
    assert verify(np.array(scores, float), pairs, range(8), draws=0).auc == pytest.approx(auc)


def test_true_positives_lie_above_the_threshold_that_few_false_ones_pass():
    # 1000 pairs of two people with scores 0 .. 999. Ten of them, 1 %, lie above 989; one, .1 %, above 998.
    same = [False] * 1000 + [True] * 4
    scores = np.array([*range(1000), 989.0, 989.5, 998.5, 2000.0])
    rates = verify(scores, made_pairs(same), range(2 * len(same)), draws=0).rates
    assert rates == {0.01: pytest.approx(3 / 4), 0.001: pytest.approx(2 / 4)}


def test_pairs_within_a_clip_are_left_out_of_one_person_only():
    pairs = pairs_of([0, 0, 0, 1], ['a', 'a', 'b', 'c'])
    assert [*zip(pairs.first.tolist(), pairs.second.tolist(), pairs.same.tolist(), strict=True)] == [
        (0, 2, True), (0, 3, False), (1, 2, True), (1, 3, False), (2, 3, False)]
    assert pairs_of([0, 0, 1], [None, None, None]).same.tolist() == [True, False, False]


def test_of_many_images_pairs_are_drawn_without_listing_them_all(monkeypatch):
    from benchmark.judging import verification
    rng = np.random.default_rng(3)
    who, clips = [n % 40 for n in range(120)], [f'{n // 3}' for n in range(120)]
    embeddings = rng.normal(size=(40, 8))[who] + 0.4 * rng.normal(size=(120, 8))
    listed = pairs_of(who, clips, most=10**6)
    scores = similarities(embeddings, listed)
    monkeypatch.setattr(verification, 'LISTED', 100)
    drawn = pairs_of(who, clips, most=10**6)

    def known(pairs):
        return {tuple(one) for one in np.sort(np.stack([pairs.first, pairs.second], 1), axis=1).tolist()}

    # Where as many are wanted as there are, they are the same pairs, with the same similarities.
    assert known(drawn) == known(listed) and len(drawn.first) == len(listed.first)
    assert sorted(similarities(embeddings, drawn)) == pytest.approx(sorted(scores))
    few = pairs_of(who, clips, most=900)
    assert (~few.same).sum() == 900 and few.same.sum() == listed.same.sum() and known(few) <= known(listed)
    assert known(few) == known(pairs_of(who, clips, most=900)) != known(pairs_of(who, clips, most=900, seed=1))
    whole, part = (verify(similarities(embeddings, pairs), pairs, who, draws=0).auc for pairs in (listed, few))
    assert part == pytest.approx(whole, abs=0.02)


def test_very_many_pairs_of_two_people_are_thinned_and_none_of_one_person():
    who = np.repeat(np.arange(30), 2)
    pairs = pairs_of(who, [None] * 60, most=500)
    assert (pairs.same.sum(), (~pairs.same).sum()) == (30, 500)


@pytest.mark.parametrize(('who', 'clips', 'said'), [
    ([0, 0, 0], [None] * 3, 'one identity'),
    ([0, 1, 2], [None] * 3, 'no two images of one identity. Add'),
    ([0, 0, 1, 1], ['a', 'a', 'b', 'b'], 'no two images of one identity from different clips'),
])
def test_faces_that_cannot_be_judged(who, clips, said):
    with pytest.raises(JudgingError, match=said):
        pairs_of(who, clips)


def test_similarity_is_the_cosine():
    pairs = pairs_of([0, 0, 1], [None] * 3)
    found = similarities(np.array([[1.0, 0.0], [3.0, 3.0], [0.0, 0.0]]), pairs)
    assert found == pytest.approx([np.sqrt(0.5), 0, 0])


@pytest.mark.slow
def test_the_interval_over_identities_holds_the_true_area():
    # Embeddings: a person's centre, and an image's noise; the true area comes from many people.
    def area(people, rng):
        who = np.repeat(np.arange(people), 5)
        embeddings = rng.normal(size=(people, 6))[who] + 1.2 * rng.normal(size=(len(who), 6))
        pairs = pairs_of(who, [None] * len(who), most=60_000)
        return verify(similarities(embeddings, pairs), pairs, who, draws=200 if people < 100 else 0)
    truth = np.mean([area(400, np.random.default_rng([7, n])).auc for n in range(5)])
    held = [low <= truth <= high for n in range(200)
            for low, high in [area(30, np.random.default_rng([8, n])).intervals['auc']]]
    # Pairs as units would hold it in half of the cases.
    assert 0.88 <= np.mean(held) <= 0.99


def test_ridge_is_that_of_the_normal_equations():
    rng = np.random.default_rng(0)
    features, targets = rng.normal(size=(12, 3)), rng.normal(size=(12, 2))
    train, test = np.arange(9), np.arange(9, 12)
    centred = features[train] - features[train].mean(axis=0)
    penalty = 0.1 * (centred ** 2).sum() / 9
    weights = np.linalg.solve(centred.T @ centred + penalty * np.eye(3), centred.T @ targets[train])
    expected = targets[train].mean(axis=0) + (features[test] - features[train].mean(axis=0)) @ weights
    assert ridge(kernel(features), targets, train, test, 0.1) == pytest.approx(expected)
    assert ridge(np.zeros((12, 12)), targets, train, test, 0.1) == pytest.approx(
        np.repeat(targets[train].mean(axis=0)[None], 3, axis=0))


def test_folds_keep_groups_together_and_are_even():
    groups = np.repeat([f'clip {n}' for n in range(17)], 3)
    fold = folds_of(groups)
    assert all(len(set(fold[groups == one])) == 1 for one in set(groups))
    assert np.bincount(fold).tolist() in ([12, 12, 9, 9, 9], [9, 9, 9, 12, 12]) or np.ptp(np.bincount(fold)) == 3


def test_a_linear_probe_names_people_by_other_clips_only():
    rng = np.random.default_rng(1)
    who = np.repeat(np.arange(6), 6)
    clips = [f'{person}-{number // 3}' for person in range(6) for number in range(6)]
    assert np.nanmean(identification(np.eye(6)[who] + 0.01 * rng.normal(size=(36, 6)), who, clips)) == 1
    # What tells clips apart, and says nothing about people, does not help.
    _, clip = np.unique(clips, return_inverse=True)
    assert np.nanmean(identification(rng.normal(size=(12, 40))[clip], who, clips)) < 0.5
    one_clip = [*clips[:30], *['single'] * 6]
    right = identification(np.eye(6)[who], who, one_clip)
    assert np.isnan(right[30:]).all() and not np.isnan(right[:30]).any()
    assert identification(np.eye(6)[who], who, [f'{one}' for one in who]) is None


def test_a_linear_probe_reads_landmarks_that_are_linear_in_the_features():
    rng = np.random.default_rng(2)
    features = rng.normal(size=(60, 8))
    positions = (0.5 + 0.05 * features @ rng.normal(size=(8, 6))).reshape(60, 3, 2)
    visible = np.ones((60, 3), bool)
    visible[::7, 1] = False
    landmarks = Landmarks(positions, visible, np.full((60, 2), 100.0), np.arange(60).astype(str))
    errors = landmark_probe(features, landmarks, np.arange(40), np.arange(40, 60))
    assert errors.shape == (20,) and errors.max() < 0.01
    blind = landmark_probe(np.zeros((60, 2)), landmarks, np.arange(40), np.arange(40, 60))
    assert blind.mean() > 1 and min(STRENGTHS) > 0
    visible[:40, 2] = False
    assert np.isfinite(landmark_probe(features, landmarks, np.arange(40), np.arange(40, 60))).all()


def test_a_mean_over_people_by_hand():
    mean, (low, high) = mean_over(np.array([1.0, 1.0, 0.0, np.nan]), ['a', 'a', 'b', 'c'])
    assert (mean, low, high) == (pytest.approx(2 / 3), 0.0, 1.0)
