"""MMPose's own interfaces on what a run keeps: its API, its inferencer and its tools."""

import json
import os
from pathlib import Path

import cv2
import numpy as np
import pandas
import pytest
from forked import command

ROOT = Path(__file__).parents[2]


@pytest.fixture(params=['ft', 'ctd_com', 'ema'])
def method(request):
    return request.param


@pytest.fixture
def kept(runs, method, tmp_path):
    """Config and weights, copied away from the suite."""
    folder = runs.copied(method, tmp_path / 'elsewhere')
    return str(folder / 'detector.py'), str(folder / 'network.pth')


def tool(*arguments, cwd=None):
    done = command([ROOT / 'tools/mmpose_tool.py', *arguments], os.environ | dict(OMP_NUM_THREADS='1'), cwd)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout + done.stderr


def test_init_model_and_inference_topdown(registered, runs, method, kept):
    from mmpose.apis import inference_topdown, init_model
    model = init_model(*kept, device='cpu')
    for image, points in runs.points(method).items():
        found = inference_topdown(model, str(runs.images / image))[0].pred_instances.keypoints[0]
        np.testing.assert_allclose(found, points, atol=1e-4)


def test_the_inferencer_predicts_and_draws(registered, runs, method, kept, tmp_path):
    from mmpose.apis import MMPoseInferencer
    inferencer = MMPoseInferencer(pose2d=kept[0], pose2d_weights=kept[1], det_model='whole_image', device='cpu')
    image, points = next(iter(runs.points(method).items()))
    found = next(inferencer(str(runs.images / image), out_dir=str(tmp_path / 'drawn'), kpt_thr=0.0, radius=2))
    np.testing.assert_allclose(found['predictions'][0][0]['keypoints'], points, atol=1e-4)
    drawn, plain = cv2.imread(str(tmp_path / 'drawn/visualizations' / image)), cv2.imread(str(runs.images / image))
    # Blue, (0, 114, 178) in RGB, where the landmarks are; the rest is the image's.
    for x, y in points.astype(int):
        assert drawn[y, x, 0] > drawn[y, x, 2] + 40
    assert (drawn == plain).all(axis=2).mean() > 0.5


def test_mmposes_test_gives_the_run_s_errors(runs, tmp_path):
    folder = runs.folders['ctd_com', 0]
    tool('test', folder / 'detector.py', folder / 'network.pth', '--work-dir', tmp_path / 'work', '--out',
         tmp_path / 'metrics.json', '--dump', tmp_path / 'dumped.pkl', '--show-dir', tmp_path / 'shown')
    recorded = json.loads((folder / 'record.json').read_text())['metrics']
    assert json.loads((tmp_path / 'metrics.json').read_text()) == pytest.approx(recorded, abs=1e-6)
    dumped = pandas.read_pickle(tmp_path / 'dumped.pkl')
    for sample in dumped:
        points = runs.points('ctd_com')[Path(sample['img_path']).name]
        np.testing.assert_allclose(sample['pred_instances']['keypoints'][0], points, atol=1e-4)
    assert len(dumped) == len([*(tmp_path / 'shown').iterdir()]) == 6


def test_browse_dataset_shows_the_images_in_their_colours(runs, tmp_path):
    config = runs.folders['ft', 0] / 'detector.py'
    tool('browse_dataset', config, '--output-dir', tmp_path, '--not-show', '--phase', 'test')
    found = sorted(path.name for path in tmp_path.iterdir())
    assert found == sorted(runs.points('ft'))
    shown, image = cv2.imread(str(tmp_path / found[0])), cv2.imread(str(runs.images / found[0]))
    # The left part is the image with its landmarks, the right one the heatmaps.
    shown = shown[:image.shape[0], :image.shape[1]]
    turned = image[..., ::-1]
    assert np.median(abs(shown.astype(int) - image)) < np.median(abs(shown.astype(int) - turned))


def test_get_flops(runs):
    folder = runs.folders['ft', 0]
    said = tool('get_flops', folder / 'detector.py', '--input-shape', '64', '64')
    total = json.loads((folder / 'record.json').read_text())['parameters']['total']
    assert f'Params: {total / 1e6:.3f}'.rstrip('0') in said


def test_analyze_logs(runs, tmp_path):
    log = next(runs.folders['ft', 0].glob('2*/vis_data/scalars.json'))
    tool('analyze_logs', 'plot_curve', log, '--keys', 'loss_kpt', '--out', tmp_path / 'loss.png')
    assert cv2.imread(str(tmp_path / 'loss.png')) is not None
    assert 'average iter time: ' in tool('analyze_logs', 'cal_train_time', log, '--include-outliers')


def test_a_tool_that_is_not_there_is_named(runs):
    done = command([ROOT / 'tools/mmpose_tool.py', 'brouse_dataset'])
    assert done.returncode == 2 and 'brouse_dataset: MMPose has no such tool' in done.stderr
    assert 'browse_dataset' in tool().splitlines()
