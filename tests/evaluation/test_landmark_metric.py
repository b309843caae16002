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
    _, table = rows(one, annotators=['b'], positions=True)
    assert (table[0]['between_reference-b'], table[0]['between_mm_reference-b']) == pytest.approx((1.25, 5))
    assert np.isnan(table[1]['between_reference-b'])
    assert (table[0]['x_by_b'], table[0]['y_by_b']) == (16, 28) and np.isnan(table[1]['x_by_b'])
    # Two are compared with each other only: the reference is their mean here, and nearer to each than they are.
    two = {'b': np.array([(16, 28), (50, 50)]), 'c': np.array([(4, 12), (50, 50)])}
    _, table = rows(sample(truth, truth, annotators=two), annotators=['b', 'c'], positions=True)
    assert table[0]['between_b-c'] == pytest.approx(2.5) and np.isnan(table[0]['between_mm_b-c'])
    assert [name for name in table[0] if name.startswith('between')] == ['between_b-c', 'between_mm_b-c']
    assert [table[0][name] for name in ('x_by_b', 'y_by_b', 'x_by_c', 'y_by_c')] == [16, 28, 4, 12]


def test_an_image_without_the_second_annotator_has_no_distance(rows):
    _, table = rows(sample([(0, 0)] * 2, [(1, 1)] * 2), annotators=['b'])
    assert np.isnan(table[0]['between_reference-b']) and 'x_by_b' not in table[0]


def test_without_annotators_there_are_no_columns_of_them(rows):
    _, table = rows(sample([(0, 0)] * 2, [(1, 1)] * 2, annotators={'b': np.zeros((2, 2))}))
    assert not any(name.startswith('between') for name in table[0])


def test_distances_are_those_in_the_photograph_where_an_image_is_squeezed(rows):
    # 320 x 128 to 64 x 64: 5 photo px across and 2 down are an input pixel.
    squeezed = dict(input_size=(64, 64), input_scale=(320, 128), ori_shape=(128, 320), pixel_spacing=0.5)
    _, table = rows(sample([(110, 20), (50, 60)], [(100, 20), (50, 50)], **squeezed), interocular=(0, 1))
    across, down = table
    for row in table:
        # The same 10 px are the same error, in every unit of the photograph.
        assert (row['error_photo'], row['error_mm']) == pytest.approx((10, 5))
        assert row['error_input'] == pytest.approx(10 * np.sqrt(64 / 320 * 64 / 128))
        assert row['normalizer'] == pytest.approx(np.hypot(50, 30) * np.sqrt(64 / 320 * 64 / 128) / 4)
        assert (row['scale_x'], row['scale_y']) == (64 / 320 / 4, 64 / 128 / 4)
    # The paper's protocol keeps the squeezed pixels: one down counts 2.5 times one across.
    assert across['error'] == pytest.approx(10 / 5 / 4) and down['error'] == pytest.approx(10 / 2 / 4)


@pytest.mark.parametrize('size', [(320, 240), (256, 256), (501, 333)])
def test_an_image_that_keeps_its_proportions_has_the_very_errors_that_it_had(rows, size):
    rng = np.random.default_rng(0)
    predicted, truth = rng.uniform(0, 160, (2, 2, 2))
    shape = dict(input_size=tuple(side // (3 if size[0] == 501 else 2) for side in size),
                 input_scale=size, ori_shape=size[::-1])
    _, table = rows(sample(predicted, truth, **shape), interocular=(0, 1))
    to_input = np.array(shape['input_size'], float) / np.array(size, float)
    known = np.sqrt((((predicted * to_input) - (truth * to_input)) ** 2).sum(-1))
    ends = truth * to_input / 4
    assert [row['error_input'] for row in table] == known.tolist()
    assert [row['error'] for row in table] == (known / 4).tolist()
    assert {row['normalizer'] for row in table} == {float(np.linalg.norm(ends[0] - ends[1]))}


def test_mirrored_view_of_a_padded_input_is_turned_back(rows):
    # A photograph of 101 x 60 px in a frame of 128 x 128: 13 px to its left, 14 to its right.
    size, scale = np.array([64, 64]), np.array([128.0, 128.0])
    centre = scale / 2 + 0.5 * scale / size - 0.5 - np.array([13, 34])
    truth = np.array([(10.0, 20.0), (90.0, 50.0)])
    inputs = (truth + 0.5 + [13, 34]) * size / scale - 0.5
    inputs[:, 0] = 63 - inputs[:, 0]
    predicted = (inputs / size * scale + centre - scale / 2)[::-1]
    summary, table = rows(sample(predicted, truth, flip=True, ori_shape=(60, 101), input_size=(64, 64),
                                 input_scale=scale, input_center=centre))
    assert summary['ME'] == pytest.approx(0, abs=1e-12) and table[1]['x'] == pytest.approx(90)
