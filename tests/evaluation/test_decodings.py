"""The same heatmaps in every decoding: errors per image against hand-computed values, and why there are none."""

import numpy as np
import pytest


@pytest.fixture
def make(registered):
    """What decodes samples of two landmarks: input 64 x 32 px of a photograph of 128 x 64, heatmaps of 16 x 8."""
    from benchmark.codecs import ArgmaxHeatmap
    from benchmark.evaluation import LandmarkErrorMetric, OtherDecodings

    def run(*samples, decoding='argmax', decoder=..., metric=None, **options):
        metric = metric or LandmarkErrorMetric(landmarks=['l', 'r'], **options)
        decoder = ArgmaxHeatmap((64, 32), (16, 8), decoding=decoding) if decoder is ... else decoder
        other = OtherDecodings(metric, decoder)
        metric.process({}, list(samples))
        other.process({}, list(samples))
        assert other.compute_metrics(other.results) == {}
        return other.content, [row for one in metric.results for row in metric.rows_of(one)]

    return run


@pytest.fixture
def sample(registered):
    """A data sample whose heatmaps have their peaks at the truth's places in heatmap pixels, as a head gives it."""
    import torch

    from benchmark.codecs import ArgmaxHeatmap

    def one(*places, decoding='argmax', name='a.png', squeeze=1, **meta):
        codec = ArgmaxHeatmap((64, 32), (16, 8), decoding=decoding)
        truth = np.array([places], np.float32) * 4
        heatmaps = codec.encode(truth)['heatmaps']
        keypoints, scores = codec.decode(heatmaps)
        # Half a pixel of the input is half a pixel of the photograph here, so that input (x, y) is photograph 2 (x, y).
        scale = np.array([128.0, 64.0 * squeeze])
        to_image = scale / (64, 32)
        return dict(pred_instances=dict(keypoints=(keypoints * to_image).astype(np.float32), keypoint_scores=scores),
                    gt_instances=dict(keypoints=truth * to_image), pred_fields=dict(heatmaps=torch.tensor(heatmaps)),
                    image=name, subject='', groups={}, pixel_spacing=None, input_size=(64, 32), input_scale=scale,
                    input_center=scale / 2, ori_shape=(64, 128), flip=False, flip_indices=[1, 0]) | meta

    return one


@pytest.mark.parametrize('decoding', ['argmax', 'quarter', 'dark'])
def test_errors_per_image_by_hand(make, sample, decoding):
    # argmax errs 0.4 across (5.4 -> 5) and 0.3 down (2.7 -> 3): 0.5; a quarter pixel nearer it errs 0.15 and 0.05.
    # (8, 4) is a pixel: argmax and quarter hit it.
    content, rows = make(sample((5.4, 2.7), (8, 4), decoding=decoding), decoding=decoding, interocular=(0, 1))
    assert content['used'] == decoding and content['images'] == ['a.png']
    assert [*content['scores']] == ['argmax', 'quarter', 'dark']
    found = {name: own['ME'][0] for name, own in content['scores'].items()}
    assert found['argmax'] == pytest.approx(0.25, abs=1e-6)
    assert found['quarter'] == pytest.approx(np.hypot(0.15, 0.05) / 2, abs=1e-6)
    assert found['dark'] < 0.03
    # What made the results gives what they say, in every unit.
    own = content['scores'][decoding]
    assert own['ME'][0] == pytest.approx(np.mean([row['error'] for row in rows]), rel=1e-7)
    assert own['ME_photo'][0] == pytest.approx(8 * own['ME'][0], rel=1e-5)
    assert own['ME_input'][0] == pytest.approx(4 * own['ME'][0], rel=1e-5)
    assert own['NME'][0] == pytest.approx(own['ME'][0] / np.hypot(2.6, 1.3), rel=1e-5)
    assert 'ME_mm' not in own


def test_a_squeezed_image_has_its_distances_in_the_photograph(make, sample):
    content, rows = make(sample((5.4, 2.7), (8, 4), squeeze=4, pixel_spacing=0.5), interocular=(0, 1))
    own = content['scores']['argmax']
    # 0.4 * 8 px across, 0.3 * 32 px down
    assert own['ME_photo'][0] == pytest.approx(np.hypot(3.2, 9.6) / 2, rel=1e-5)
    assert own['ME_mm'][0] == pytest.approx(own['ME_photo'][0] / 2, rel=1e-6)
    assert own['NME'][0] == pytest.approx(own['ME_photo'][0] / np.hypot(2.6 * 8, 1.3 * 32), rel=1e-5)
    assert own['ME'][0] == pytest.approx(np.mean([row['error'] for row in rows]), rel=1e-6)


def test_a_mirrored_view_is_turned_back_in_every_decoding(make, sample):
    plain = sample((5.4, 2.7), (8, 4))
    # The view shows what is at x of the image at w - 1 - x, and the pair has changed places.
    turned = sample((8, 4), (5.4, 2.7), flip=True)
    truth = plain['gt_instances']['keypoints'].copy()
    truth[..., 0] = 126 - truth[..., 0]  # its middle is that of the input: w = 127
    turned['gt_instances'] = dict(keypoints=truth)
    assert make(turned)[0]['scores']['quarter']['ME'] == pytest.approx(make(plain)[0]['scores']['quarter']['ME'])


def test_only_annotated_landmarks_count_and_an_image_without_any_is_left_out(make, sample):
    first = sample((5.4, 2.7), (8, 4), annotated=np.array([True, False]))
    empty = sample((5.4, 2.7), (8, 4), annotated=np.array([False, False]), name='b.png')
    content, _ = make(first, empty)
    assert content['images'] == ['a.png'] and content['scores']['argmax']['ME'] == pytest.approx([0.5], abs=1e-6)
    assert make(empty)[0] == dict(reason='no test image has an annotated landmark')


def test_what_is_not_finite_is_not_known(make, sample):
    one = sample((5.4, 2.7), (8, 4))
    one['pred_fields']['heatmaps'][1] = float('nan')
    one['pred_instances']['keypoints'][0, 1] = np.nan
    content, _ = make(one, sample((5.4, 2.7), (8, 4), name='b.png'))
    assert content['scores']['quarter']['ME'][0] is None and content['scores']['quarter']['ME'][1] > 0


class Other:
    """A codec that knows one decoding."""


@pytest.mark.parametrize(('change', 'options', 'reason'), [
    (dict(pred_fields={}), {}, 'gives no heatmaps'), (dict(pred_fields=None), {}, 'gives no heatmaps'),
    ({}, dict(decoder=Other()), 'knows one decoding only'), ({}, dict(decoder=None), 'knows one decoding only'),
    (dict(pred_fields=dict(heatmaps=np.zeros((3, 8, 16), np.float32))), {}, 'something else than a heatmap for each'),
    (dict(pred_fields=dict(heatmaps=np.zeros((2, 8, 16), np.float32))), {}, 'not what its codec reads off'),
    ({}, dict(decoding='dark'), 'not what its codec reads off'),
])
def test_why_there_are_none(make, sample, change, options, reason):
    content, rows = make(sample((5.4, 2.7), (8, 4)), sample((5.4, 2.7), (8, 4), name='b.png') | change, **options)
    assert [*content] == ['reason'] and reason in content['reason'] and len(rows) == 4


def test_a_metric_of_another_kind_is_left_alone(registered):
    from benchmark.codecs import ArgmaxHeatmap
    from benchmark.evaluation import IdentityAccuracy, OtherDecodings
    other = OtherDecodings(IdentityAccuracy(), ArgmaxHeatmap((64, 32), (16, 8)))
    other.process({}, [{}])
    other.compute_metrics(other.results)
    assert other.content == dict(reason='errors are computed by IdentityAccuracy')
