"""LandmarkDataset and its views: coordinates against hand-computed values, draws that depend on nothing else."""

import cv2
import numpy as np
import pytest

POINTS = [[(3, 19), (36, 19), (20, 30)]] * 5


@pytest.fixture
def dataset(registered, prepared):
    from mmpose.registry import DATASETS

    def make(points=POINTS, view=None, visible=None, input_size=(40, 40), **kwargs):
        codec = dict(type='ArgmaxHeatmap', input_size=input_size, heatmap_size=tuple(s // 4 for s in input_size))
        pipeline = [dict(type='DrawView', **(view or dict(train=False))), dict(type='GenerateTarget', encoder=codec)]
        return DATASETS.build(dict(type='LandmarkDataset', data_root=str(prepared(points, visible)), split='train',
                                   input_size=input_size, pipeline=pipeline, **kwargs))

    return make


def test_a_folder_of_the_set_s_name_in_the_working_folder_is_none_of_its_business(registered, tmp_path, monkeypatch):
    from benchmark.datasets.landmarks import LandmarkDataset
    from benchmark.datasets.synthetic.faces import write_landmark_dataset
    write_landmark_dataset(tmp_path / 'data', dict(train=2, test=2), image_size=32, seed=0)
    name = LandmarkDataset(tmp_path / 'data', 'test', (32, 32)).metainfo['dataset_name']
    (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path)
    assert LandmarkDataset(tmp_path / 'data', 'test', (32, 32)).metainfo['dataset_name'] == name


def test_plain_view_at_full_size(dataset):
    item = dataset()[0]
    assert item['transformed_keypoints'][0] == pytest.approx(np.array(POINTS[0], float))
    assert item['heatmaps'].shape == (3, 10, 10)
    assert item['img'].shape == (40, 40, 3)


def test_pixel_centres_under_resizing(dataset):
    # 40 -> 20 px: (3 + .5) / 2 - .5 = 1.25; (19 + .5) / 2 - .5 = 9.25
    item = dataset(input_size=(20, 20))[0]
    assert item['transformed_keypoints'][0, 0] == pytest.approx((1.25, 9.25))
    # MMPose's way back, u / input * scale + centre - scale / 2, gives the annotated point.
    back = np.array([1.25, 9.25]) / 20 * item['input_scale'] + item['input_center'] - item['input_scale'] / 2
    assert back == pytest.approx((3, 19))


def wide(prepared, points):
    """The prepared set of the fixture with images of 40 x 20 px, a bright pixel at each image's first landmark."""
    import json
    root = prepared(points)
    path = root / 'annotations/train.json'
    content = json.loads(path.read_text())
    for image, landmarks in zip(content['images'], points):
        picture = np.zeros((20, 40, 3), np.uint8)
        x, y = landmarks[0]
        picture[y, x] = 255
        cv2.imwrite(str(root / 'images' / image['file_name']), picture)
        image.update(height=20)
    path.write_text(json.dumps(content))
    return root


WIDE = [[(10, 4), (30, 4), (20, 15)]] * 2


@pytest.mark.parametrize('view', [dict(train=False), dict(flip=1.0, scales=(1.0,)), dict(flip=0.0, scales=(0.8,)),
                                  dict(flip=1.0, scales=(0.8,))])
def test_letterbox_keeps_proportions_image_points_and_the_way_back(registered, prepared, view):
    # 40 x 20 in the middle of 40 x 40: ten rows above; doubled, an input pixel is half a pixel of the photograph.
    from mmpose.registry import DATASETS
    codec = dict(type='ArgmaxHeatmap', input_size=(80, 80), heatmap_size=(20, 20))
    data = DATASETS.build(dict(
        type='LandmarkDataset', data_root=str(wide(prepared, WIDE)), split='train', input_size=(80, 80),
        resize='letterbox', pipeline=[dict(type='DrawView', **view), dict(type='GenerateTarget', encoder=codec)]))
    item = data[0]
    assert item['img'].shape == (80, 80, 3) and item['input_scale'].tolist() == [40, 40]
    expected = (np.array(WIDE[0], float) + 0.5 + [0, 10]) * 2 - 0.5
    if view.get('flip'):
        expected[:, 0] = 79 - expected[:, 0]
        expected = expected[[1, 0, 2]]
    scale = view.get('scales', (1.0,))[0]
    expected = 39.5 + scale * (expected - 39.5)
    assert item['transformed_keypoints'][0] == pytest.approx(expected, abs=1e-4)
    # The bright pixel is where the landmark is said to be.
    grey = item['img'].astype(float)[..., 0]
    centre = ((grey.sum(0) @ np.arange(80)) / grey.sum(), (grey.sum(1) @ np.arange(80)) / grey.sum())
    assert centre == pytest.approx(expected[1 if view.get('flip') else 0], abs=0.1)
    if view.get('train') is False:
        back = expected / 80 * item['input_scale'] + item['input_center'] - item['input_scale'] / 2
        assert back == pytest.approx(np.array(WIDE[0], float))
    # The landmark in heatmap pixels, input over 4.
    peak = np.unravel_index(item['heatmaps'][2].argmax(), (20, 20))[::-1]
    assert np.abs(np.array(peak) - expected[2] / 4).max() <= 0.5


@pytest.mark.parametrize(('size', 'inputs', 'frame'), [
    ((320, 128), (64, 64), (0, 96, 320, 320)), ((101, 60), (64, 64), (0, 20, 101, 101)),
    ((100, 200), (64, 48), (84, 0, 268, 201)), ((128, 96), (64, 48), (0, 0, 128, 96)),
    ((7, 5), (65, 64), (29, 29, 65, 64))])
def test_a_letterbox_has_one_scale_in_both_directions(registered, size, inputs, frame):
    from benchmark.datasets.landmarks import letterbox
    left, top, width, height = letterbox(size, inputs)
    assert (left, top, width, height) == frame
    assert inputs[0] / width == inputs[1] / height and width >= size[0] and height >= size[1]


def test_letterbox_repeats_the_edges(registered):
    from benchmark.datasets.landmarks import fitted
    image = np.repeat(np.array([[10], [200]], np.uint8)[:, :, None], 3, 2).repeat(4, 1)
    out = fitted(image, (4, 4), 'letterbox')
    assert out[:, 0, 0].tolist() == [10, 10, 200, 200]


def test_unknown_resize(dataset):
    with pytest.raises(ValueError, match="resize='pad' is unknown"):
        dataset(resize='pad')


def test_flip_swaps_pairs(dataset):
    item = dataset(view=dict(flip=1.0, scales=(1.0,)))[0]
    # x -> 39 - x, then left and right change places
    assert item['transformed_keypoints'][0] == pytest.approx(np.array([(3, 19), (36, 19), (19, 30)], float))
    assert item['keypoints'][0] == pytest.approx(np.array(POINTS[0], float))


def test_scale_about_the_middle_moves_image_and_points_alike(dataset):
    data = dataset(points=[[(10, 20), (30, 20), (20, 30)]], view=dict(flip=0.0, scales=(0.8,)))
    image = np.zeros((40, 40, 3), np.uint8)
    cv2.circle(image, (10, 20), 2, (255, 255, 255), -1)
    data._images[data[0]['img_path']] = image
    item = data[0]
    # 19.5 + 0.8 * (10 - 19.5) = 11.9; 19.5 + 0.8 * 0.5 = 19.9
    assert item['transformed_keypoints'][0, 0] == pytest.approx((11.9, 19.9))
    grey = item['img'][..., 0].astype(float) / item['img'].astype(float)[..., 0].sum()
    centre = (grey.sum(0) @ np.arange(40), grey.sum(1) @ np.arange(40))
    assert centre == pytest.approx((11.9, 19.9), abs=0.05)


def test_landmark_pushed_out_of_the_view_is_not_counted(dataset):
    item = dataset(view=dict(flip=0.0, scales=(1.5,)))[0]
    assert item['keypoints_visible'].tolist() == [[0, 0, 1]]
    assert item['keypoint_weights'].tolist() == [[0, 0, 1]]


def test_missing_landmark_moves_with_the_flip(dataset):
    item = dataset(view=dict(flip=1.0, scales=(1.0,)), visible=[[0, 2, 2]] * 5)[0]
    assert item['keypoints_visible'].tolist() == [[1, 0, 1]]


def test_mask_policy_drops_pairs_of_flipped_views(dataset):
    item = dataset(view=dict(flip=1.0, scales=(1.0,), flip_policy='mask'))[0]
    assert item['keypoints_visible'].tolist() == [[0, 0, 1]]


def test_canonical_policy_mirrors_the_second_side(dataset):
    view = dict(flip_policy='canonical', scales=(1.0,))
    data = dataset(view=view, visible=[[0, 2, 2], [2, 0, 2], [2, 2, 2], [2, 2, 2], [2, 2, 2]])
    assert [data[i]['flip'] for i in range(3)] == [True, False, False]
    assert data[0]['keypoints_visible'].tolist() == [[1, 0, 1]] == data[1]['keypoints_visible'].tolist()


def test_four_views_about_equally_often(registered):
    from benchmark.datasets.views import DrawView
    view = DrawView()
    drawn = [view.draw((1, epoch, image)) for epoch in range(40) for image in range(25)]
    counts = [[(v.flipped, v.scale) for v in drawn].count((f, s)) for f in (True, False) for s in (1.0, 0.8)]
    assert sum(counts) == 1000 and min(counts) > 200


def test_a_view_depends_on_seed_epoch_and_image_alone(dataset):
    data = dataset(view=dict(scale_range=(0.8, 1.2)), view_seed=5)
    np.random.seed(0)
    first = [data[i]['view_scale'] for i in range(5)]
    np.random.seed(1)
    assert [data[i]['view_scale'] for i in reversed(range(5))][::-1] == first
    assert len(set(first)) == 5
    data.epoch = 1
    assert [data[i]['view_scale'] for i in range(5)] != first


def test_labels_of_a_seed_are_nested(dataset):
    points = [POINTS[0]] * 20
    chosen = {n: {e['image'] for e in dataset(points, num_labels=n, split_seed=3).data_list} for n in (5, 10)}
    other = {e['image'] for e in dataset(points, num_labels=5, split_seed=4).data_list}
    assert len(chosen[5]) == 5 and chosen[5] < chosen[10] and other != chosen[5]


def test_too_many_labels(dataset):
    with pytest.raises(ValueError, match='num_labels=6: the split has 5 images'):
        dataset(num_labels=6)


def test_image_that_vanished_names_the_file(dataset):
    from pathlib import Path
    data = dataset()
    Path(data.data_list[2]['img_path']).unlink()
    with pytest.raises(ValueError, match='train2.png: no such image'):
        data[2]


def test_bad_view_options(registered):
    from benchmark.datasets.views import DrawView
    for bad in (dict(flip=1.5), dict(flip_policy='both'), dict(scales=(0,))):
        with pytest.raises(ValueError, match=next(iter(bad))):
            DrawView(**bad)


def test_a_packed_view_is_made_once_and_is_the_epochs_own(registered, prepared):
    from mmpose.registry import DATASETS
    codec = dict(type='ArgmaxHeatmap', input_size=(40, 40), heatmap_size=(10, 10))
    pipeline = [dict(type='DrawView'), dict(type='GenerateTarget', encoder=codec),
                dict(type='PackPoseInputs', meta_keys=('view_row', 'flip'))]

    def make():
        return DATASETS.build(dict(type='LandmarkDataset', data_root=str(prepared(POINTS)), split='train',
                                   input_size=(40, 40), pipeline=pipeline))

    kept, seen = make(), {}
    for epoch in range(8):
        kept.epoch = epoch
        fresh = make()
        fresh.epoch = epoch
        for index in range(len(kept)):
            one, other = kept[index], fresh[index]
            row = one['data_samples'].metainfo['view_row']
            assert row == other['data_samples'].metainfo['view_row']
            assert (one['inputs'] == other['inputs']).all()
            assert (one['data_samples'].gt_fields.heatmaps == other['data_samples'].gt_fields.heatmaps).all()
            assert seen.setdefault(row, one['data_samples']) is one['data_samples']
    assert len(seen) > 5


def test_views_beyond_the_limit_are_made_again(registered, prepared):
    from mmpose.registry import DATASETS
    codec = dict(type='ArgmaxHeatmap', input_size=(40, 40), heatmap_size=(10, 10))
    data = DATASETS.build(dict(
        type='LandmarkDataset', data_root=str(prepared(POINTS)), split='train', input_size=(40, 40),
        view_bytes=1000,
        pipeline=[dict(type='DrawView'), dict(type='GenerateTarget', encoder=codec), dict(type='PackPoseInputs')]))
    assert data[0]['data_samples'] is not data[0]['data_samples']
