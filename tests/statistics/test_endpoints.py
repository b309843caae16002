"""Endpoints against hand-computed values and independent integration."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.statistics import (
    DECODER_FLOOR,
    auc_scores,
    ced,
    failures,
    image_scores,
    printed_reading,
    validate,
)
from benchmark.statistics.endpoints import ced_points

errors = st.lists(st.floats(0, 5), min_size=1, max_size=40)


def rows(*values):
    names = ['method', 'seed', 'image', 'landmark', 'error', 'normalizer']
    return validate(pd.DataFrame(values, columns=names))


def test_image_scores_by_hand():
    table = rows(
        ('a', 0, 'one', 'l1', 3.0, 10.0),
        ('a', 0, 'one', 'l2', 4.0, 10.0),
        ('a', 0, 'two', 'l1', 0.5, 5.0),
        ('a', 0, 'two', 'l2', 0.7, np.nan),
    )
    scores = image_scores(table, threshold=1.2).set_index('image')
    assert scores.loc['one', 'ME'] == 3.5
    assert scores.loc['one', 'ME_printed'] == 2.5  # sqrt(9 + 16) / 2
    assert scores.loc['one', 'NME'] == pytest.approx(0.35)
    assert np.isnan(scores.loc['two', 'NME'])
    assert scores.loc['two', 'AUC'] == pytest.approx(0.5)
    assert scores['FR'].tolist() == [1.0, 0.0]
    assert scores['n_landmarks'].tolist() == [2, 2]


def test_without_landmarks_the_error_is_the_images():
    table = validate(
        pd.DataFrame({'method': ['a', 'a'], 'seed': 0, 'image': ['x', 'y'], 'error': [1.0, 2.0]})
    )
    scores = image_scores(table, 1.2)
    assert scores['ME'].tolist() == [1.0, 2.0]
    assert 'ME_printed' not in scores and 'NME' not in scores


def test_printed_reading_is_below_the_mean_of_distances():
    distances = np.array([1.0, 2.0, 2.0])
    assert printed_reading(distances) == 1.0
    assert printed_reading(distances) <= distances.mean()


def test_failure_is_strictly_above_the_threshold():
    assert failures(np.array([1.2, np.nextafter(1.2, 2), 0.0]), 1.2).tolist() == [0.0, 1.0, 0.0]


@pytest.mark.parametrize(
    ('failed', 'percent'), [(293, 94.52), (125, 40.32), (33, 10.65), (18, 5.81), (24, 7.74)]
)
def test_failure_rates_of_table_1_are_multiples_of_one_in_310(failed, percent):
    values = np.r_[np.full(failed, 1.3), np.full(310 - failed, 1.1)]
    assert round(100 * failures(values, 1.2).mean(), 2) == percent


@given(errors, st.floats(0.1, 3))
def test_auc_is_the_exact_area_under_the_empirical_ced(values, threshold):
    values = np.array(values)
    corners = np.unique(np.r_[0.0, values[values < threshold], threshold])
    middles = (corners[1:] + corners[:-1]) / 2
    area = sum(np.mean(values <= x) * width for x, width in zip(middles, np.diff(corners), strict=True))
    assert auc_scores(values, threshold).mean() == pytest.approx(area / threshold, abs=1e-9)


@given(errors, st.sampled_from([0.25, 0.5, 2.0, 4.0]))
def test_a_change_of_unit_leaves_fr_and_auc(values, factor):
    values = np.array(values)
    assert np.array_equal(failures(values, 1.2), failures(values * factor, 1.2 * factor))
    assert auc_scores(values, 1.2) == pytest.approx(auc_scores(values * factor, 1.2 * factor), abs=1e-12)


@given(errors)
def test_ced_rises_to_its_end_and_gives_the_failure_rate(values):
    points = ced_points(np.array(values), 1.2)
    curve = ced(np.array(values), points)
    assert np.all(np.diff(curve) >= 0) and 0 <= curve[0] and curve[-1] <= 1
    assert points[60] == 1.2 and 1.8 - 1e-9 <= points[-1] <= 4.8 + 1e-9
    assert 1 - curve[60] == pytest.approx(failures(values, 1.2).mean())


def test_decoder_floor_by_numeric_integration():
    grid = (np.arange(1000) + 0.5) / 1000 - 0.5
    assert DECODER_FLOOR == pytest.approx(np.hypot(*np.meshgrid(grid, grid)).mean(), abs=1e-6)
    assert round(DECODER_FLOOR, 4) == 0.3826
