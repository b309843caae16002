"""Predicted heatmaps as they are kept: their values, their place in the image, their bytes."""

import io

import numpy as np
import pytest


@pytest.fixture
def metric(registered):
    from benchmark.evaluation import LandmarkErrorMetric
    return LandmarkErrorMetric(landmarks=['l', 'r'])


def sample(heatmaps=None, name='a.png', **meta):
    import torch
    fields = {} if heatmaps is None else dict(pred_fields=dict(heatmaps=torch.as_tensor(heatmaps)))
    points = dict(keypoints=np.array([[(16, 28), (50, 50)]], float), keypoint_scores=np.ones((1, 2)))
    # Prepared at 128 x 64 px, seen by the network at 64 x 32 px, heatmaps of 16 x 8.
    size = np.array([128.0, 64.0])
    centre = size / 2 + 0.5 * size / np.array([64, 32]) - 0.5
    return dict(pred_instances=points, gt_instances=points, image=name, subject='', groups={}, pixel_spacing=None,
                input_size=(64, 32), input_scale=size, input_center=centre, ori_shape=(64, 128), flip=False,
                flip_indices=[1, 0], **fields) | meta


def peaks(*places, value=1.0):
    """Heatmaps (2, 8, 16) with one pixel above 0 each."""
    heatmaps = np.zeros((2, 8, 16), np.float32)
    for k, (row, column) in enumerate(places):
        heatmaps[k, row, column] = value
    return heatmaps


def kept(metric, *samples):
    metric.process({}, list(samples))
    metric.compute_metrics(metric.results)
    return metric.heatmaps and dict(np.load(io.BytesIO(metric.heatmaps), allow_pickle=False))


def test_the_maximum_over_landmarks_in_steps_of_a_byte(registered):
    import torch

    from benchmark.evaluation.heatmaps import strongest
    first = [[-1.0, 0.0, 0.004, 0.5, 2.0, float('nan'), float('inf')]]
    second = [[-2.0, -1.0, 0.002, 0.25, 1.0, float('nan'), 0.0]]
    found = strongest(torch.tensor([first, second]))
    assert found.dtype == np.uint8 and found.tolist() == [[0, 0, 0, 130, 255, 0, 255]]


def test_a_heatmap_lies_where_its_predictions_do(metric):
    content = kept(metric, sample(peaks((2, 3), (5, 10))))
    assert content['images'].tolist() == ['a.png'] and content['heatmaps'].shape == (1, 8, 16)
    (row, column), = np.argwhere(content['heatmaps'][0])[:1]
    left, top, width, height = content['boxes'][0]
    middle = left + (column + 0.5) * width / 16, top + (row + 0.5) * height / 8
    # As MMPose brings predictions back: heatmap pixel (3, 2), input pixel (12, 8), over 64 x 128 - 64 + 64.5.
    one = sample()
    expected = np.array([12, 8]) / one['input_size'] * one['input_scale'] + one['input_center'] - one['input_scale'] / 2
    assert middle == pytest.approx(expected)


def test_a_mirrored_view_is_turned_back(metric):
    content = kept(metric, sample(peaks((2, 3))), sample(peaks((2, 3))[:, :, ::-1].copy(), name='b.png', flip=True))

    def middle(i):
        (row, column), = np.argwhere(content['heatmaps'][i])
        left, _, width, _ = content['boxes'][i]
        return left + (column + 0.5) * width / 16

    # Column 12 of the mirrored view is the input pixel 48, prepared pixel 96.5, which is 30.5 in the image as it is.
    assert middle(0) == pytest.approx(24.5) and middle(1) == pytest.approx(127 - 96.5)


@pytest.mark.parametrize('second', [None, np.zeros((2, 4, 4), np.float32)], ids=['lacking', 'of another size'])
def test_without_a_heatmap_of_each_image_none_is_kept(metric, second):
    assert kept(metric, sample(peaks((0, 0))), sample(second, name='b.png')) is None


def test_the_same_heatmaps_give_the_same_bytes_without_pickles(registered, monkeypatch):
    import time

    from benchmark.evaluation.heatmaps import pack
    content = ['ü "x".png', 'b.png'], [np.eye(4, dtype=np.uint8)] * 2, [(0.0, 1.0, 2.0, 3.0)] * 2
    first = pack(*content)
    monkeypatch.setattr(time, 'time', lambda: 2e9)
    assert pack(*content) == first
    assert np.load(io.BytesIO(first), allow_pickle=False)['images'].tolist() == content[0]


def test_a_few_hundred_kilobytes_for_310_images(registered):
    from benchmark.evaluation.heatmaps import pack, strongest
    rng = np.random.default_rng(0)
    row, column = np.mgrid[:64, :64]
    heatmaps = []
    for _ in range(31):
        centres = rng.uniform(12, 52, (14, 2, 1, 1))
        distance = (row - centres[:, 0]) ** 2 + (column - centres[:, 1]) ** 2
        peaks, noise = rng.uniform(0.2, 1, (14, 1, 1)), rng.normal(0, 0.01, (14, 64, 64))
        heatmaps.append(strongest(peaks * np.exp(-distance / 8) + noise))
    names = [f'{i}.png' for i in range(31)]
    assert len(pack(names, heatmaps, [(0.0, 0.0, 256.0, 256.0)] * 31)) * 10 < 500_000
