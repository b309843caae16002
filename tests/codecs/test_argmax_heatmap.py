"""The codec against hand-computed values."""

import numpy as np
import pytest


@pytest.fixture
def codec(registered):
    from benchmark.codecs import ArgmaxHeatmap
    return lambda **kw: ArgmaxHeatmap((64, 32), (16, 8), **kw)


def encode(codec, *points, visible=None):
    points = np.array([points], np.float32)
    return codec.encode(points, None if visible is None else np.array([visible], np.float32))


def test_continuous_centre(codec):
    # (10, 6) input px is (2.5, 1.5) heatmap px: at (2, 1) the squared distance is 0.5, at (4, 1) it is 2.5
    heatmap = encode(codec(), (10, 6))['heatmaps'][0]
    assert heatmap.shape == (8, 16)
    assert heatmap[1, 2] == pytest.approx(np.exp(-0.5 / 4.5), rel=1e-5)
    assert heatmap[1, 4] == pytest.approx(np.exp(-2.5 / 4.5), rel=1e-5)
    assert heatmap[2, 3] == pytest.approx(heatmap[1, 2])


def test_no_truncation(codec):
    heatmap = encode(codec(), (0, 0))['heatmaps'][0]
    assert heatmap[7, 15] == pytest.approx(np.exp(-(15 ** 2 + 7 ** 2) / 4.5), rel=1e-4)
    assert heatmap[7, 15] > 0


@pytest.mark.parametrize('point', [(0, 0), (60, 28), (0, 28), (60, 0), (4, 8), (32, 16)])
@pytest.mark.parametrize('decoding', ['argmax', 'dark'])
def test_grid_points_come_back_borders_included(codec, point, decoding):
    keypoints, scores = codec(decoding=decoding).decode(encode(codec(), point)['heatmaps'])
    assert keypoints.shape == (1, 1, 2)
    assert keypoints[0, 0] == pytest.approx(point, abs=0.05 if decoding == 'dark' else 1e-3)
    assert scores[0, 0] == pytest.approx(1)


def test_plain_argmax_rounds_to_the_grid(codec):
    # 5.9 / 4 = 1.475 -> column 1 -> 4 px; 6.1 / 4 = 1.525 -> 2 -> 8 px
    for x, expected in ((5.9, 4), (6.1, 8)):
        keypoints, _ = codec().decode(encode(codec(), (x, 12))['heatmaps'])
        assert keypoints[0, 0] == pytest.approx((expected, 12))


def test_quarter_shift(codec):
    # x = 21.6 / 4 = 5.4: column 5, right neighbour higher: 5.25 * 4 = 21; y = 3 exactly: no shift
    keypoints, _ = codec(decoding='quarter').decode(encode(codec(), (21.6, 12))['heatmaps'])
    assert keypoints[0, 0] == pytest.approx((21, 12))


def test_dark_is_finer_than_argmax(codec):
    truth = np.array([33.3, 17.9])
    errors = {d: np.linalg.norm(codec(decoding=d).decode(encode(codec(), truth)['heatmaps'])[0][0, 0] - truth)
              for d in ('argmax', 'dark')}
    assert errors['dark'] < 0.3 < errors['argmax']


def test_expected_error_of_argmax_is_the_floor(codec):
    # mean distance from a uniform point to the centre of its pixel: (sqrt 2 + asinh 1) / 6 = 0.3826 heatmap px
    rng = np.random.default_rng(0)
    points = np.stack([rng.uniform(8, 56, 4000), rng.uniform(8, 24, 4000)], axis=1)
    found, _ = codec().decode(encode(codec(), *points)['heatmaps'])
    errors = np.linalg.norm(found[0] - points, axis=1) / 4
    assert errors.mean() == pytest.approx((np.sqrt(2) + np.arcsinh(1)) / 6, abs=0.01)


def test_missing_landmark_has_no_heatmap_and_no_weight(codec):
    encoded = encode(codec(), (8, 8), (16, 16), visible=(0, 1))
    assert encoded['keypoint_weights'].tolist() == [[0, 1]]
    assert encoded['heatmaps'][0].max() == 0 and encoded['heatmaps'][1].max() == pytest.approx(1)


def test_failed_heatmap_is_no_prediction(codec):
    heatmaps = encode(codec(), (8, 8), (16, 16))['heatmaps']
    heatmaps[0, 3, 3] = np.nan
    keypoints, _ = codec().decode(heatmaps)
    assert np.isnan(keypoints[0, 0]).all() and keypoints[0, 1] == pytest.approx((16, 16))


def test_refused(codec):
    with pytest.raises(ValueError, match="decoding='mean'"):
        codec(decoding='mean')
    with pytest.raises(ValueError, match='one instance'):
        codec().encode(np.zeros((2, 3, 2), np.float32))


@pytest.mark.parametrize('sigma', [0, -1.5])
def test_a_width_is_above_0(registered, sigma):
    from benchmark.codecs import ArgmaxHeatmap
    with pytest.raises(ValueError, match='sigma=.* must be above 0'):
        ArgmaxHeatmap((64, 64), (16, 16), sigma=sigma)


def test_the_three_decodings_of_one_heatmap_by_hand(codec):
    # 5.4, 2.7 heatmap px. argmax: (5, 3). A quarter to the higher neighbour: (5.25, 2.75). The logarithm of a Gaussian
    # is a parabola, and its maximum the truth; the blur widens it to both sides alike but for the heatmap's borders.
    heatmaps = encode(codec(), (21.6, 10.8))['heatmaps']
    given = codec(decoding='quarter')
    found = {name: one.decode(heatmaps)[0][0, 0] for name, one in given.decodings().items()}
    assert [*found] == ['argmax', 'quarter', 'dark'] and given.decoding == 'quarter'
    assert found['argmax'] == pytest.approx((20, 12)) and found['quarter'] == pytest.approx((21, 11))
    assert found['dark'] == pytest.approx((21.6, 10.8), abs=0.1)
    assert heatmaps == pytest.approx(encode(codec(), (21.6, 10.8))['heatmaps'])  # DARK blurs a copy
