"""From a prepared set with two annotators to the columns of the results table: 19 landmarks, 0.1 mm per pixel."""

import json

import cv2
import numpy as np
import pytest

from benchmark.datasets.metainfo import LandmarkMeta
from benchmark.datasets.prepared import read_split

NAMES = [f'L{number}' for number in range(1, 20)]


@pytest.fixture
def root(tmp_path):
    """One image of 64 x 80 pixels; the second annotator is 3 px right of and 4 px below the reference, but for L1."""
    points = np.stack([np.arange(19) * 2 + 10, np.arange(19) * 3 + 8, np.full(19, 2)], axis=1)
    second = points + [3, 4, 0]
    second[0] = 0
    (tmp_path / 'annotations').mkdir()
    (tmp_path / 'images').mkdir()
    cv2.imwrite(str(tmp_path / 'images/1.png'), np.full((80, 64, 3), 90, np.uint8))
    (tmp_path / 'metainfo.json').write_text(json.dumps(dict(
        name='cephalograms', landmarks=NAMES, flip_indices=[*range(19)], pixel_spacing=0.1, annotators=['junior'])))
    for split in ('train', 'val', 'test'):
        (tmp_path / 'annotations' / f'{split}.json').write_text(json.dumps(dict(
            images=[dict(id=1, file_name='1.png', width=64, height=80)],
            annotations=[dict(id=1, image_id=1, keypoints=points.ravel().tolist(),
                              keypoints_junior=second.ravel().tolist())],
            categories=[dict(id=1, name='head', keypoints=NAMES, flip_indices=[*range(19)])])))
    return tmp_path


def configured(meta, registered):
    from benchmark.experiments.plan.configure import run_config
    from benchmark.experiments.suite.configs import find_config
    from benchmark.experiments.suite.model import Method, Settings
    seeds = dict(init=1, order=2, augmentation=3, split=4)
    return run_config(Method(config=str(find_config('methods', 'ft'))), Settings(depth=18, input_size=(64, 64)), meta,
                      seeds, None, 1.2, num_images=1)


def test_second_annotations_reach_the_rows_of_a_run(registered, root):
    from mmpose.registry import DATASETS, METRICS
    cfg = configured(read_split(root, 'test').meta, registered)
    assert cfg.test_evaluator.annotators == ['junior']
    cfg.test_dataloader.dataset.data_root = str(root)
    sample = DATASETS.build(cfg.test_dataloader.dataset)[0]['data_samples']
    content = sample.to_dict()
    truth = content['gt_instances']['keypoints']
    content['pred_instances'] = dict(keypoints=truth + 20.0, keypoint_scores=np.ones((1, 19)))
    metric = METRICS.build(cfg.test_evaluator)
    metric.process({}, [content])
    metric.compute_metrics(metric.results)
    first, second = metric.rows[:2]
    assert np.isnan(first['between_reference-junior']) and np.isnan(first['between_mm_reference-junior'])
    assert second['between_mm_reference-junior'] == pytest.approx(0.5)
    # 64 x 80 image pixels become 64 x 64 of the input, and a heatmap pixel is four of these.
    assert second['between_reference-junior'] == pytest.approx(np.hypot(3, 4 * 64 / 80) / 4)
    assert second['error_mm'] == pytest.approx(np.hypot(20, 20) * 0.1)
    assert np.isnan(first['x_by_junior'])
    assert (second['x_by_junior'] - second['x_true'], second['y_by_junior'] - second['y_true']) == (3, 4)


def test_configs_of_other_data_do_not_know_of_annotators(registered):
    text = configured(LandmarkMeta('plain', ('a', 'b'), (1, 0)), registered).pretty_text
    assert 'annotators' not in text
    more = configured(LandmarkMeta('two', ('a', 'b'), (1, 0), annotators=('j',)), registered)
    for dataset in (more.train_dataloader.dataset, more.val_dataloader.dataset):
        assert 'annotators' not in dataset.pipeline[-1].meta_keys


def test_a_suite_declares_thresholds(registered, tmp_path):
    from benchmark.experiments.errors import SuiteError
    from benchmark.experiments.suite.configs import CONFIGS
    from benchmark.experiments.suite.suite import load_suite
    path = tmp_path / 'mine.py'
    path.write_text(f"_base_ = {str(CONFIGS / 'suites/demo.py')!r}\nanalysis = dict(success=(2.0, 4.0))\n")
    assert load_suite(str(path)).analysis.success == (2.0, 4.0)
    path.write_text(path.read_text().replace('2.0', '0'))
    with pytest.raises(SuiteError, match='success: 0 is not a number above 0'):
        load_suite(str(path))
