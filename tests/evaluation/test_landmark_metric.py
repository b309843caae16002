"""Errors per image and landmark against hand-computed values."""

import numpy as np
import pytest


def sample(predicted, truth, **meta):
    return dict(pred_instances=dict(keypoints=np.array([predicted], float), keypoint_scores=np.ones((1, len(truth)))),
                gt_instances=dict(keypoints=np.array([truth], float)), image='a.png', subject='s',
                groups=dict(site='x'),
                pixel_spacing=None, input_size=(128, 128), input_scale=(256, 256), ori_shape=(256, 256),
                flip_indices=[1, 0], flip=False) | meta


@pytest.fixture
def rows(registered):
    from benchmark.evaluation import LandmarkErrorMetric

    def make(*samples, **kwargs):
        metric = LandmarkErrorMetric(landmarks=['l', 'r'], **kwargs)
        metric.process({}, list(samples))
        return metric.compute_metrics(metric.results), metric.rows

    return make


def test_units(rows):
    # 3-4-5 triangle of 6, 8 image px = 10 image px = 5 input px = 1.25 heatmap px = 5 mm at 0.5 mm per px
    summary, table = rows(sample([(16, 28), (50, 50)], [(10, 20), (50, 50)], pixel_spacing=0.5))
    first = table[0]
    assert (first['error'], first['error_input'], first['error_mm']) == pytest.approx((1.25, 5, 5))
    assert first['landmark'] == 'l' and first['group_site'] == 'x'
    # mean over landmarks 0.625; printed formula sqrt(1.25^2) / 2 = 0.625
    assert summary['ME'] == pytest.approx(0.625) and summary['ME_printed'] == pytest.approx(0.625)


def test_printed_formula_differs_from_the_mean(rows):
    summary, _ = rows(sample([(16, 28), (50, 58)], [(10, 20), (50, 50)]))
    assert summary['ME'] == pytest.approx((1.25 + 1.0) / 2)
    assert summary['ME_printed'] == pytest.approx(np.hypot(1.25, 1.0) / 2)


def test_millimetres_unknown(rows):
    assert np.isnan(rows(sample([(0, 0)] * 2, [(1, 1)] * 2))[1][0]['error_mm'])


def test_missing_landmarks_are_not_counted(rows):
    summary, table = rows(sample([(90, 90), (50, 58)], [(0, 0), (50, 50)], annotated=np.array([False, True])))
    assert [r['landmark'] for r in table] == ['r'] and summary['ME'] == pytest.approx(1.0)


def test_normaliser_is_the_interocular_distance_in_heatmap_pixels(rows):
    truth = [(10, 20), (40, 60)]
    _, table = rows(sample(truth, truth), interocular=(0, 1))
    assert table[0]['normalizer'] == pytest.approx(50 / 2 / 4)
    _, table = rows(sample(truth, truth, annotated=np.array([True, False])), interocular=(0, 1))
    assert np.isnan(table[0]['normalizer'])


def test_mirrored_view_is_turned_back(rows):
    # predicted in the mirrored image: x = 255 - x, and the pair has changed places
    summary, table = rows(sample([(205, 50), (245, 20)], [(10, 20), (50, 50)], flip=True))
    assert summary['ME'] == 0 and table[0]['x'] == 10


def test_failed_prediction_keeps_its_row_and_is_a_failure(rows):
    good = sample([(10, 20), (50, 50)], [(10, 20), (50, 50)], image='b.png')
    summary, table = rows(sample([(np.nan, np.nan), (50, 50)], [(10, 20), (50, 50)]), good)
    assert len(table) == 4 and np.isnan(table[0]['error'])
    assert summary['FR'] == 0.5 and summary['AUC'] == pytest.approx(0.5)


def test_failure_is_an_image_above_the_threshold(rows):
    at = sample([(10, 30), (10, 30)], [(10, 20), (10, 20)])
    above = sample([(10, 30.1), (10, 30.1)], [(10, 20), (10, 20)], image='b.png')
    summary, _ = rows(at, above, threshold=1.25)
    assert summary['FR'] == 0.5
    assert summary['AUC'] == pytest.approx(0, abs=1e-9)


def test_annotators_are_compared_with_each_other_in_every_unit(rows):
    truth = [(10, 20), (50, 50)]
    # 6, 8 image px from the reference: 10 image px = 1.25 heatmap px = 5 mm; the second landmark is not annotated.
    one = sample(truth, truth, pixel_spacing=0.5, annotators={'b': np.array([(16, 28), (np.nan, np.nan)])})
    _, table = rows(one, annotators=['b'])
    assert (table[0]['between_reference-b'], table[0]['between_mm_reference-b']) == pytest.approx((1.25, 5))
    assert np.isnan(table[1]['between_reference-b'])
    # Two are compared with each other only: the reference is their mean here, and nearer to each than they are.
    two = {'b': np.array([(16, 28), (50, 50)]), 'c': np.array([(4, 12), (50, 50)])}
    _, table = rows(sample(truth, truth, annotators=two), annotators=['b', 'c'])
    assert table[0]['between_b-c'] == pytest.approx(2.5) and np.isnan(table[0]['between_mm_b-c'])
    assert [name for name in table[0] if name.startswith('between')] == ['between_b-c', 'between_mm_b-c']


def test_an_image_without_the_second_annotator_has_no_distance(rows):
    _, table = rows(sample([(0, 0)] * 2, [(1, 1)] * 2), annotators=['b'])
    assert np.isnan(table[0]['between_reference-b'])


def test_without_annotators_there_are_no_columns_of_them(rows):
    _, table = rows(sample([(0, 0)] * 2, [(1, 1)] * 2, annotators={'b': np.zeros((2, 2))}))
    assert not any(name.startswith('between') for name in table[0])
