"""ReadPhotograph: MMPose's own inference gives what a run's test gives, in pixels of the photograph."""

import copy

import cv2
import numpy as np
import pytest

from benchmark.datasets.prepared import read_split


@pytest.fixture(scope='module')
def wide(registered, tmp_path_factory):
    """A prepared set of colourful photographs that are not square."""
    import json

    from benchmark.datasets.synthetic.faces import write_landmark_dataset
    root = tmp_path_factory.mktemp('wide') / 'data'
    write_landmark_dataset(root, dict(train=2, val=1, test=3), image_size=64, seed=0)
    generator = np.random.default_rng(0)
    for split in ('train', 'val', 'test'):
        path = root / 'annotations' / f'{split}.json'
        content = json.loads(path.read_text())
        for image in content['images']:
            image['width'], image['height'] = 96, 64
            cv2.imwrite(str(root / 'images' / image['file_name']), generator.integers(0, 256, (64, 96, 3), np.uint8))
        path.write_text(json.dumps(content))
    return root


@pytest.fixture(scope='module', params=['squeeze', 'letterbox'])
def model_and_dataset(request, wide, tmp_path_factory):
    """MMPose's model of a run's config and checkpoint, as init_model makes it, and the test data set of the run."""
    import torch
    from mmpose.apis import init_model
    from mmpose.registry import DATASETS, MODELS

    from benchmark.experiments.plan.configure import fill_paths, run_config
    from benchmark.experiments.suite.configs import find_config
    from benchmark.experiments.suite.model import Method, Settings
    from benchmark.models.checkpoint import plain
    settings = dict(depth=18, width=8, input_size=(64, 64), decoder_channels=8, batch_size=2, epochs=1)
    settings |= {} if request.param == 'squeeze' else dict(resize=request.param)
    meta = read_split(wide, 'test').meta
    cfg = run_config(Method(config=str(find_config('methods', 'ft'))), Settings(**settings), meta,
                     dict(init=1, order=2, augmentation=3, split=4), None, 1.2, num_images=2)
    cfg = fill_paths(cfg, str(wide), 'unused.pth')
    dataset = DATASETS.build(copy.deepcopy(cfg.test_dataloader.dataset))
    cfg.model.backbone.init_cfg = None
    torch.manual_seed(0)
    weights = MODELS.build(copy.deepcopy(cfg.model)).state_dict()
    path = tmp_path_factory.mktemp('run') / 'epoch_1.pth'
    torch.save(dict(meta=dict(dataset_meta=plain(dataset.metainfo)), state_dict=weights), path)
    return init_model(cfg, str(path), device='cpu'), dataset


def test_inference_topdown_gives_the_test_s_coordinates(model_and_dataset):
    from mmengine.dataset import pseudo_collate
    from mmpose.apis import inference_topdown
    model, dataset = model_and_dataset
    for place in range(len(dataset)):
        expected = model.test_step(pseudo_collate([dataset[place]]))[0].pred_instances.keypoints
        path = dataset.data_list[place]['img_path']
        for image in (path, cv2.imread(path)):
            found = inference_topdown(model, image)[0].pred_instances.keypoints
            np.testing.assert_allclose(found, expected, atol=1e-4)


def test_a_box_gives_the_coordinates_of_the_cut_moved(model_and_dataset):
    from mmpose.apis import inference_topdown
    model, dataset = model_and_dataset
    image = cv2.imread(dataset.data_list[0]['img_path'])
    cut = inference_topdown(model, np.ascontiguousarray(image[10:50, 20:80]))[0].pred_instances.keypoints
    boxed = inference_topdown(model, image, [[20, 10, 80, 50]])[0].pred_instances.keypoints
    np.testing.assert_allclose(boxed, cut + [20, 10], atol=1e-4)
    larger = cv2.copyMakeBorder(image, 5, 0, 0, 7, cv2.BORDER_REPLICATE)
    whole = inference_topdown(model, larger)[0].pred_instances.keypoints
    beyond = inference_topdown(model, image, [[0, -5, 103, 64]])[0].pred_instances.keypoints
    np.testing.assert_allclose(beyond, whole - [0, 5], atol=1e-4)


def test_a_turned_photograph_is_whole_though_mmpose_takes_its_stored_size(model_and_dataset, tmp_path):
    from mmpose.apis import inference_topdown
    from PIL import Image
    model, dataset = model_and_dataset
    image = Image.open(dataset.data_list[0]['img_path'])
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(tmp_path / 'turned.png', exif=exif)
    found = inference_topdown(model, str(tmp_path / 'turned.png'))[0].pred_instances.keypoints
    pixels = np.ascontiguousarray(np.rot90(cv2.imread(dataset.data_list[0]['img_path']), -1))
    np.testing.assert_allclose(found, inference_topdown(model, pixels)[0].pred_instances.keypoints, atol=1e-4)


def test_mmposes_stock_pipeline_is_refused_unless_it_turns_the_channels(model_and_dataset, monkeypatch):
    from mmpose.apis import inference_topdown
    model, dataset = model_and_dataset
    monkeypatch.setattr(model, 'cfg', copy.deepcopy(model.cfg))
    model.cfg.test_dataloader.dataset.pipeline = [
        dict(type='LoadImage'), dict(type='GetBBoxCenterScale', padding=1.0),
        dict(type='TopdownAffine', input_size=dataset.input_size), dict(type='PackPoseInputs')]
    path = dataset.data_list[0]['img_path']
    with pytest.raises(ValueError, match=r'do not say that they are RGB.*bgr_to_rgb=True'):
        inference_topdown(model, path)
    monkeypatch.setattr(model.data_preprocessor, '_channel_conversion', True)
    assert np.isfinite(inference_topdown(model, path)[0].pred_instances.keypoints).all()


@pytest.mark.parametrize(('results', 'message'), [
    (dict(img=np.zeros((4, 4, 4), np.uint8)), r'shape \(4, 4, 4\)'), (dict(img=np.zeros((4, 4, 3))), 'float64'),
    (dict(img=np.zeros((4, 4, 3), np.uint8), bbox=np.array([[2, 1, 2, 3]])), 'no extent'),
    (dict(img_path='/nowhere/a.png'), 'a.png: no such image')])
def test_what_is_no_photograph_is_named(registered, results, message):
    from mmpose.registry import TRANSFORMS
    with pytest.raises(ValueError, match=message):
        TRANSFORMS.build(dict(type='ReadPhotograph', input_size=(8, 8)))(results)
