"""ISBI 2015: grey, not square, 19 landmarks, millimetres, two annotators, never mirrored; trained and evaluated."""

import cv2
import numpy as np
import pytest
import torch

from benchmark.datasets.metainfo import DataError, LandmarkMeta, choose_flip_policy, load_metainfo
from benchmark.datasets.prepared import read_split
from benchmark.experiments.plan.configure import fill_paths, run_config
from benchmark.experiments.plan.protocol import protocol
from benchmark.experiments.suite.configs import find_config
from benchmark.experiments.suite.model import Method, Settings
from benchmark.statistics.measurements import classify, value
from benchmark.utils.measurement import read

WIDTH, HEIGHT = 48, 60
SEEDS = dict(init=1, order=2, augmentation=3, split=4)
FOLDERS = dict(TrainingData=range(1, 7), Test1Data=range(151, 153), Test2Data=range(301, 303))


def marks(annotator, number):
    """Whole pixels (19, 2) of an annotator."""
    rng = np.random.default_rng([number, len(annotator), annotator == 'senior'])
    return rng.integers((4, 4), (WIDTH - 4, HEIGHT - 4), (19, 2))


@pytest.fixture
def challenge(tmp_path, photo):
    root = tmp_path / 'isbi'
    for folder, numbers in FOLDERS.items():
        for number in numbers:
            photo(root / f'RawImage/{folder}/{number:03}.bmp', number, WIDTH, HEIGHT, channels=1)
            for annotator in ('junior', 'senior'):
                path = root / f'AnnotationsByMD/400_{annotator}/{number:03}.txt'
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(''.join(f'{x},{y}\n' for x, y in marks(annotator, number)) + '1\n2\n3\n1\n1\n1\n2\n4\n')
    return root


def test_isbi2015(challenge, tmp_path, convert):
    _, notes = convert('isbi2015', challenge, tmp_path / 'dst', '--seed', 4)
    assert notes == ['validation: 1 of 6 training photographs, drawn with seed 4']
    split = read_split(tmp_path / 'dst', 'test')
    meta = split.meta
    assert len(meta.landmarks) == 19 and meta.landmarks[0] == 'sella' and meta.landmarks[4] == 'subspinale'
    assert meta.flip_policy == 'never' and meta.flip_indices == tuple(range(19)) and meta.interocular is None
    assert meta.annotators == ('junior', 'senior')
    assert {r.file_name: r.groups['subset'] for r in split.records} == {
        'Test1Data/151.bmp': 'test1', 'Test1Data/152.bmp': 'test1', 'Test2Data/301.bmp': 'test2',
        'Test2Data/302.bmp': 'test2'}
    first = split.records[0]
    assert (first.width, first.height, first.pixel_spacing) == (WIDTH, HEIGHT, 0.1)
    np.testing.assert_array_equal(first.landmarks, (marks('junior', 151) + marks('senior', 151)) / 2)
    np.testing.assert_array_equal(first.annotators['senior'], marks('senior', 151))
    assert first.path.read_bytes() == (challenge / 'RawImage/Test1Data/151.bmp').read_bytes()


def test_the_challenge_s_measures_are_declared_with_their_classes(challenge, tmp_path, convert):
    convert('isbi2015', challenge, tmp_path / 'dst')
    declared = {name: read(words) for name, words in load_metainfo(tmp_path / 'dst').measurements.items()}
    assert [*declared] == ['ANB', 'SNB', 'SNA', 'ODI', 'APDI', 'FHI', 'FHA']
    assert {name: what.classes.bounds for name, what in declared.items()} == dict(
        ANB=(3.2, 5.7), SNB=(74.6, 78.7), SNA=(79.4, 83.2), ODI=(68.4, 80.5), APDI=(77.6, 85.2), FHI=(0.65, 0.75),
        FHA=(26.8, 31.4))
    # A profile to the right: S and N level, A and B below N as the angles say.
    turn = np.radians
    points = dict(sella=(0, 0), nasion=(70, 0), subspinale=70 * np.array([1 - np.cos(turn(82)), np.sin(turn(82))]),
                  supramentale=100 * np.array([0.7 - np.cos(turn(78)), np.sin(turn(78))]), orbitale=(60, 25),
                  porion=(-15, 25), pogonion=(56, 112), menton=(48, 118), gnathion=(52, 117), gonion=(-5, 85),
                  posterior_nasal_spine=(14, 50), anterior_nasal_spine=(66, 53))
    points = {name: np.array(point, float) for name, point in points.items()}

    def angle(*names):
        return float(value(read(names), points))

    found = {name: float(value(what, points)) for name, what in declared.items()}
    assert found['SNA'] == pytest.approx(82) and found['SNB'] == pytest.approx(78)
    assert found['ANB'] == pytest.approx(4) and found['FHI'] == pytest.approx(np.hypot(5, 85) / np.hypot(22, 118))
    assert found['FHA'] == pytest.approx(np.degrees(np.arctan2(32, 57)))
    tilt = np.degrees(np.arctan2(3, 52))  # the palatal plane sinks to the front
    assert found['ODI'] == pytest.approx(angle('subspinale', 'supramentale', 'gonion', 'menton') + tilt)
    # APDI as the sum that it is: facial angle, A-B plane to facial plane, palatal plane to Frankfurt horizontal.
    assert found['APDI'] == pytest.approx(
        angle('orbitale', 'porion', 'nasion', 'pogonion') + tilt
        + angle('subspinale', 'supramentale', 'nasion', 'pogonion', 'signed'))
    classes = {name: what.classes.names[int(classify(np.array(found[name]), what.classes))]
               for name, what in declared.items()}
    assert classes['ANB'] == 'class I' and classes['SNA'] == classes['SNB'] == 'normal'


def test_size_pads_to_a_square_and_keeps_millimetres(challenge, tmp_path, convert):
    convert('isbi2015', challenge, tmp_path / 'dst', '--size', 30)
    record = read_split(tmp_path / 'dst', 'test').records[0]
    assert (record.width, record.height) == (30, 30) and record.pixel_spacing == pytest.approx(0.2)
    # Padded by (60 - 48) / 2 = 6 columns on each side, then halved.
    wanted = ((marks('junior', 151) + marks('senior', 151)) / 2 + 0.5 + (6, 0)) / 2 - 0.5
    np.testing.assert_allclose(record.landmarks, wanted)


@pytest.mark.parametrize(('old', 'new', 'message'), [
    ('\n1\n2\n', '\n1\n', r'26 lines, not 19 of landmarks and 8 of classes'),
    ('\n', ';\n', r"line 1: '[0-9,]+;' is not `x,y`|line 1: '[0-9]+;' is no finite number"),
    (',', ' ', r"line 1: '[0-9 ]+' is not `x,y`"),
    ('\n4\n', '\nIV\n', r"line 27: 'IV' is no class"),
])
def test_bad_annotation_is_named(challenge, tmp_path, convert, old, new, message):
    path = challenge / 'AnnotationsByMD/400_senior/151.txt'
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(DataError, match=r'400_senior/151\.txt: ' + message):
        convert('isbi2015', challenge, tmp_path / 'dst')


def test_what_is_missing_is_named(challenge, tmp_path, convert):
    (challenge / 'AnnotationsByMD/400_junior/301.txt').unlink()
    with pytest.raises(DataError, match=r'400_junior/301\.txt: no such file. It should hold 19 lines `x,y`'):
        convert('isbi2015', challenge, tmp_path / 'dst')
    (challenge / 'RawImage/Test2Data').rename(challenge / 'RawImage/test2')
    with pytest.raises(DataError, match=r'isbi: neither RawImage/Test2Data nor Test2Data is here'):
        convert('isbi2015', challenge, tmp_path / 'dst')
    (challenge / 'RawImage/Test2Data').mkdir()
    with pytest.raises(DataError, match=r'Test2Data: no image here'):
        convert('isbi2015', challenge, tmp_path / 'dst')


# Never mirrored


@pytest.fixture
def radiographs(registered, challenge, tmp_path, convert):
    convert('isbi2015', challenge, tmp_path / 'dst')
    return tmp_path / 'dst'


def test_the_data_set_refuses_every_flip(radiographs):
    from mmpose.registry import DATASETS
    for policy in (None, 'swap', 'mask', 'canonical', 'never'):
        view = dict(type='DrawView', flip=1.0, scales=(1.0,), flip_policy=policy)
        data = DATASETS.build(dict(type='LandmarkDataset', data_root=str(radiographs), split='train',
                                   input_size=(WIDTH, HEIGHT), pipeline=[view]))
        item = data[0]
        assert item['flip'] is False and item['view_row'] % 2 == 0
        np.testing.assert_array_equal(item['img'], data.image(item['img_path']))
        np.testing.assert_allclose(item['transformed_keypoints'], item['keypoints'])


def test_another_set_takes_the_policy_of_the_view_or_else_its_own():
    for policy in ('swap', 'mask', 'canonical', 'never'):
        assert choose_flip_policy(None, policy) == policy
    assert choose_flip_policy('mask', 'swap') == 'mask'
    assert choose_flip_policy('mask', 'never') == 'never'


@pytest.mark.parametrize(('of_view', 'of_data', 'flip'), [
    (None, 'swap', 0.5), (None, 'mask', 0.5), (None, 'canonical', 0.0), (None, 'never', 0.0),
    ('swap', 'canonical', 0.5), ('canonical', 'swap', 0.0), ('swap', 'never', 0.0)])
def test_the_config_of_a_run_says_which_flips_are_drawn(registered, of_view, of_data, flip):
    meta = LandmarkMeta(name='tiny', landmarks=('a', 'b'), flip_indices=(1, 0), flip_policy=of_data)
    cfg = run_config(Method(config=str(find_config('methods', 'ft'))), Settings(), meta, SEEDS, None, 1.2, 8,
                     {'train_dataloader.dataset.pipeline.0.flip_policy': of_view})
    assert protocol(cfg)['view_flip'] == flip


def test_a_set_without_metainfo_is_known_by_its_names(radiographs):
    (radiographs / 'metainfo.json').unlink()
    assert load_metainfo(radiographs).flip_policy == 'never'


def test_unknown_flip_policy_is_named():
    fields = dict(landmarks=['a'], flip_indices=[0], flip_policy='sometimes')
    with pytest.raises(DataError, match="metainfo.json: flip_policy is 'sometimes'. Use one of: swap, mask"):
        LandmarkMeta.from_dict(fields, 'metainfo.json')


# A task that is no face needs no change in the code


def test_two_steps_of_training_and_a_test_in_millimetres(radiographs, tmp_path):
    from mmengine.runner import Runner
    meta = read_split(radiographs, 'train').meta
    settings = Settings(depth=18, width=16, input_size=(64, 96), decoder_channels=16, batch_size=3, epochs=1)
    cfg = run_config(Method(config=str(find_config('methods', 'ft'))), settings, meta, SEEDS, None, 1.2, 5)
    assert protocol(cfg)['view_flip'] == 0 and cfg.model.head.out_channels == 19
    cfg = fill_paths(cfg, str(radiographs), '')
    cfg.model.backbone.init_cfg = None
    cfg.work_dir, cfg.experiment_name = str(tmp_path / 'run'), f'{tmp_path.name}-ceph'
    runner = Runner.from_cfg(cfg)
    before = [p.detach().clone() for p in runner.model.parameters()]
    runner.train()
    assert runner.iter == 2
    assert any((a != b).any() for a, b in zip(before, runner.model.parameters()))
    summary = runner.test()
    metric, = runner.test_evaluator.metrics
    assert np.isfinite(summary['landmark/ME']) and len(metric.rows) == 4 * 19
    row = metric.rows[0]
    truth = (marks('junior', 151) + marks('senior', 151)) / 2
    assert (row['landmark'], row['group_subset']) == ('sella', 'test1')
    distance = np.hypot(*(np.array([row['x'], row['y']]) - truth[0]))
    assert row['error_mm'] == pytest.approx(0.1 * distance, rel=1e-4)
    item = runner.train_dataloader.dataset[0]
    assert item['inputs'].shape == (3, 96, 64) and torch.equal(item['inputs'][0], item['inputs'][1])
    assert cv2.imread(item['data_samples'].img_path, cv2.IMREAD_UNCHANGED).shape == (HEIGHT, WIDTH)
