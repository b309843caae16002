"""The face generator: deterministic, with landmarks that lie where the face is drawn."""

import csv
import dataclasses
import json

import cv2
import numpy as np
import pytest

from benchmark.datasets.metainfo import SCHEMES, DataError, load_metainfo, read_json
from benchmark.datasets.synthetic.canvas import Canvas
from benchmark.datasets.synthetic.faces import (
    SOURCE_START,
    FaceGenerator,
    write_identity_dataset,
    write_landmark_dataset,
)
from benchmark.datasets.synthetic.geometry import face_curves
from benchmark.datasets.synthetic.parameters import Identity, Shot

NAMES = read_json(SCHEMES / 'face14.json')['landmarks']
AT = {name: k for k, name in enumerate(NAMES)}


@pytest.fixture(scope='module')
def generator() -> FaceGenerator:
    return FaceGenerator(128, seed=3)


@pytest.fixture(scope='module')
def fine() -> FaceGenerator:
    """The same people and shots, four times as large: the drawing can be located to a quarter pixel."""
    return FaceGenerator(512, seed=3)


@pytest.fixture(scope='module')
def crowd(generator) -> list:
    return [generator.render(k, 0) for k in range(60)]


def to_fine(landmarks: np.ndarray) -> np.ndarray:
    """Pixel-centre positions at 128 px as positions at 512 px."""
    return (landmarks + 0.5) * 4 - 0.5


def ends(mask: np.ndarray, pair: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First and last pixel (2,), along the line through two points (2, 2), of a mask's part near them."""
    axis = pair[1] - pair[0]
    y, x = np.nonzero(mask > 0.02)
    points = np.stack([x, y], 1).astype(float)
    points = points[np.hypot(*(points - pair.mean(0)).T) < 0.8 * np.hypot(*axis)]    # not the other eye
    along = points @ axis
    return points[along.argmin()], points[along.argmax()]


@pytest.mark.parametrize('soft', [0.0, 0.02, 0.04, 0.1, 0.3])
def test_a_drawn_shape_lies_where_it_was_asked_for(soft):
    canvas = Canvas(64)
    canvas.start(np.array([[16.0, 0, 31.3], [0, 16.0, 30.8]]))
    rows, columns, cover = canvas.mask([0.5 * np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)])], soft=soft)
    y, x = np.mgrid[rows, columns]
    assert abs((x * cover).sum() / cover.sum() - 31.3) < 0.1
    assert abs((y * cover).sum() / cover.sum() - 30.8) < 0.1
    assert abs(np.sqrt(cover.sum()) - 16) < 1.2


def test_same_seed_gives_same_bytes_whatever_was_drawn_before():
    one, other = FaceGenerator(96, seed=5), FaceGenerator(96, seed=5)
    wanted = [(7, 0), (2, 3), (SOURCE_START + 1, 2)]
    first = {key: one.render(*key) for key in wanted}
    other.render(11, 4)
    other.render_layers(2, 3)
    for key in reversed(wanted):
        again = other.render(*key)
        assert again.image.tobytes() == first[key].image.tobytes()
        assert again.landmarks.tobytes() == first[key].landmarks.tobytes()
        assert again.groups == first[key].groups


def test_a_face_does_not_change_when_the_next_is_drawn(generator):
    face = generator.render(0, 0)
    before = face.image.copy(), face.landmarks.copy()
    generator.render(1, 0)
    assert np.array_equal(face.image, before[0])
    assert np.array_equal(face.landmarks, before[1])


@pytest.mark.parametrize('other', [dict(seed=4), dict(identity=1), dict(shot=1)])
def test_seed_identity_and_shot_each_matter(other):
    key = dict(seed=3, identity=0, shot=0)
    images, shots = [], []
    for k in (key, key | other):
        generator = FaceGenerator(64, k['seed'])
        images.append(generator.render(k['identity'], k['shot']).image.astype(int))
        shots.append(generator.parameters(k['identity'], k['shot'])[1])
    assert np.abs(images[0] - images[1]).mean() > 3
    assert shots[0].yaw != shots[1].yaw


def test_images_are_rgb_bytes_with_contrast(crowd):
    for face in crowd:
        assert face.image.shape == (128, 128, 3)
        assert face.image.dtype == np.uint8
        assert face.image.std() > 12
    # skin is redder than blue, so the channels are in the order R, G, B
    cheeks = np.stack([face.image[54:74, 44:84].mean((0, 1)) for face in crowd])
    assert (cheeks[:, 0] > cheeks[:, 2]).mean() > 0.95


def test_landmarks_are_inside_with_right_left_of_left(generator):
    for identity in range(300):
        landmarks = generator.landmarks(identity, 5)
        assert landmarks.shape == (14, 2)
        assert landmarks.dtype == np.float64
        assert landmarks.min() >= 0
        assert landmarks.max() <= 127
        x = landmarks[:, 0]
        for name in NAMES:
            if name.endswith('_r'):
                assert x[AT[name]] < x[AT[name[:-1] + 'l']], name
        assert x[AT['exocanthion_r']] < x[AT['endocanthion_r']]
        assert x[AT['endocanthion_l']] < x[AT['exocanthion_l']]


def test_rendered_landmarks_are_those_of_the_geometry(generator, crowd):
    for identity in (0, 17, 59):
        np.testing.assert_allclose(crowd[identity].landmarks, generator.landmarks(identity, 0), atol=1e-9)


def test_the_midline_runs_down_the_face(crowd):
    order = ['nasion', 'pronasale', 'subnasale', 'labiale_superius']
    for face in crowd:
        down = face.landmarks[AT['labiale_superius']] - face.landmarks[AT['nasion']]
        assert (np.diff(face.landmarks[[AT[n] for n in order]] @ down) > 0).all()


def test_geometry_scales_with_the_image(generator, fine):
    for identity in range(3):
        small, large = generator.render(identity, 1), fine.render(identity, 1)
        np.testing.assert_allclose(to_fine(small.landmarks), large.landmarks, atol=1e-9)
        # and so does the drawing: shrunk, the large image is the small one up to noise and texture
        shrunk = cv2.resize(large.image, (128, 128), interpolation=cv2.INTER_AREA).astype(float)
        blurred = [cv2.GaussianBlur(image, (0, 0), 1.5)[20:110, 30:100]
                   for image in (shrunk, small.image.astype(float))]
        assert np.abs(blurred[0] - blurred[1]).mean() < 4


@pytest.mark.parametrize('identity', range(6))
def test_corners_of_eyes_and_mouth_end_the_drawn_shapes(generator, fine, identity):
    landmarks = to_fine(generator.render(identity, 2).landmarks)
    _, layers = fine.render_layers(identity, 2)
    lips = np.maximum(layers['upper_lip'], layers['lower_lip'])
    for first, last, mask in (('exocanthion_r', 'endocanthion_r', layers['eyes']),
                              ('endocanthion_l', 'exocanthion_l', layers['eyes']),
                              ('cheilion_r', 'cheilion_l', lips)):
        pair = landmarks[[AT[first], AT[last]]]
        axis = (pair[1] - pair[0]) / np.hypot(*(pair[1] - pair[0]))
        for found, point in zip(ends(mask, pair), pair):
            assert abs((found - point) @ axis) < 2      # half a pixel at 128 px
            assert np.hypot(*(found - point)) < 4


@pytest.mark.parametrize('identity', range(6))
def test_upper_lip_landmarks_lie_on_the_edge_of_the_drawn_lip(generator, fine, identity):
    landmarks = to_fine(generator.render(identity, 2).landmarks)
    _, layers = fine.render_layers(identity, 2)
    lip = (layers['upper_lip'] > 0.5).astype(np.uint8)
    edge = lip - cv2.erode(lip, np.ones((3, 3), np.uint8))
    y, x = np.nonzero(edge)
    for name in ('crista_philtri_r', 'labiale_superius', 'crista_philtri_l'):
        assert np.hypot(x - landmarks[AT[name], 0], y - landmarks[AT[name], 1]).min() < 2, name
    # above the landmark there is skin, below it lip
    down = landmarks[AT['labiale_superius']] - landmarks[AT['subnasale']]
    down /= np.hypot(*down)
    for step, wanted in ((-4, 0), (4, 1)):
        column, row = np.rint(landmarks[AT['labiale_superius']] + step * down).astype(int)
        assert lip[row, column] == wanted


@pytest.mark.parametrize('identity', range(4))
def test_alare_is_the_widest_point_of_the_drawn_wings(generator, fine, identity):
    landmarks = to_fine(generator.render(identity, 2).landmarks)
    _, layers = fine.render_layers(identity, 2)
    right, left = landmarks[AT['alare_r']], landmarks[AT['alare_l']]
    # along the line between the outer eye corners, which turns with the head
    axis = landmarks[AT['exocanthion_l']] - landmarks[AT['exocanthion_r']]
    axis /= np.hypot(*axis)
    y, x = np.nonzero(layers['alae'] > 0.5)
    along = x * axis[0] + y * axis[1]
    half_stroke = 0.5 * 0.02 * 0.262 * 512
    assert abs(along.min() - right @ axis + half_stroke) < 3
    assert abs(along.max() - left @ axis - half_stroke) < 3


def test_what_is_painted_shows_in_the_image(fine):
    face, layers = fine.render_layers(0, 2)
    grey = face.image.astype(float)
    lip = cv2.erode((layers['lower_lip'] > 0.9).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    around = (cv2.dilate((layers['lower_lip'] > 0).astype(np.uint8), np.ones((41, 41), np.uint8)) > 0)
    skin = around & (layers['lower_lip'] + layers['upper_lip'] == 0)
    redness = grey[..., 0] / grey.sum(2)
    assert redness[lip].mean() > redness[skin].mean() + 0.01


def flat_pose(who: Identity, shot: Shot) -> np.ndarray:
    """Landmarks (14, 2) of a person who looks straight ahead with a neutral face, in the head frame."""
    neutral = dataclasses.replace(shot, yaw=0.0, pitch=0.0, smile=0.0, open=0.0, brow_raise=0.0, blink=0.0)
    return face_curves(who, neutral)[2]


def test_a_neutral_frontal_face_is_symmetric(generator):
    flips = read_json(SCHEMES / 'face14.json')['flip_indices']
    for identity in range(20):
        points = flat_pose(*generator.parameters(identity, 0))
        np.testing.assert_allclose(points[flips] * (-1, 1), points, atol=1e-9)


def test_fas_like_faces_have_thin_lips_and_short_fissures(generator):
    parameters = [generator.parameters(k, 0) for k in range(200)]
    people = [who for who, _ in parameters]
    assert {who.phenotype for who in people} == {'typical', 'fas_like'}
    fas = np.array([who.phenotype == 'fas_like' for who in people])
    assert 0.2 < fas.mean() < 0.4
    points = np.stack([flat_pose(*each) for each in parameters])

    def distance(a: str, b: str) -> np.ndarray:
        return np.hypot(*(points[:, AT[a]] - points[:, AT[b]]).T)

    fissure = distance('exocanthion_r', 'endocanthion_r') / distance('exocanthion_r', 'exocanthion_l')
    bow = points[:, AT['labiale_superius'], 1] - points[:, AT['crista_philtri_r'], 1]
    lip = np.array([p.mouth[1] for p in people])
    groove = np.array([p.philtrum_depth for p in people])
    assert fissure[fas].mean() < 0.94 * fissure[~fas].mean()
    assert lip[fas].mean() < 0.6 * lip[~fas].mean()
    assert groove[fas].mean() < 0.3 * groove[~fas].mean()
    assert bow[fas].mean() < 0.6 * bow[~fas].mean()


def test_fas_like_lips_are_drawn_thinner(generator):
    def area(identity: int) -> float:
        face, layers = generator.render_layers(identity, 0)
        width = np.hypot(*(face.landmarks[AT['cheilion_r']] - face.landmarks[AT['cheilion_l']]))
        return layers['upper_lip'].sum() / width ** 2

    groups = {'typical': [], 'fas_like': []}
    for identity in range(40):
        groups[generator.parameters(identity, 0)[0].phenotype].append(area(identity))
    assert np.mean(groups['fas_like']) < 0.75 * np.mean(groups['typical'])


def test_a_person_stays_the_same_and_differs_from_others(generator):
    first, again, other = (generator.parameters(k, s)[0] for k, s in ((4, 0), (4, 9), (5, 0)))
    same = [np.array_equal(getattr(first, f.name), getattr(again, f.name)) for f in dataclasses.fields(first)]
    differs = [not np.array_equal(getattr(first, f.name), getattr(other, f.name))
               for f in dataclasses.fields(first)]
    assert all(same)
    assert sum(differs) > 20
    assert generator.parameters(4, 0)[1].yaw != generator.parameters(4, 9)[1].yaw
    assert generator.render(4, 0).groups == generator.render(4, 9).groups


def test_landmark_dataset(tmp_path):
    splits = {'train': 5, 'val': 2, 'test': 3}
    out = write_landmark_dataset(tmp_path / 'faces', splits, image_size=64, seed=2)
    assert [p.name for p in tmp_path.iterdir()] == ['faces']
    meta = load_metainfo(out)
    assert list(meta.landmarks) == NAMES
    assert meta.subject == 'subject'
    assert meta.interocular == ('exocanthion_r', 'exocanthion_l')
    assert meta.licence
    generator, subjects, numbers = FaceGenerator(64, 2), [], []
    for split, count in splits.items():
        coco = json.loads((out / 'annotations' / f'{split}.json').read_text())
        assert len(coco['images']) == len(coco['annotations']) == count
        assert coco['categories'][0]['keypoints'] == NAMES
        assert coco['categories'][0]['flip_indices'] == list(meta.flip_indices)
        for image, note in zip(coco['images'], coco['annotations']):
            assert note['image_id'] == image['id']
            assert set(meta.groups) < set(image)
            identity = int(image['subject'][1:])
            face = generator.render(identity, 0)
            points = np.array(note['keypoints']).reshape(14, 3)
            np.testing.assert_allclose(points[:, :2], face.landmarks, atol=1e-4)
            assert (points[:, 2] == 2).all()
            assert note['num_keypoints'] == 14
            x, y, w, h = note['bbox']
            assert (points[:, :2] >= (x, y)).all()
            assert (points[:, :2] <= (x + w, y + h)).all()
            stored = cv2.imread(str(out / 'images' / image['file_name']))
            assert (image['height'], image['width']) == stored.shape[:2]
            assert np.array_equal(stored[..., ::-1], face.image)
            subjects.append(image['subject'])
            numbers.append(image['id'])
    assert len(set(subjects)) == len(set(numbers)) == 10
    assert len(list((out / 'images').iterdir())) == 10


def test_written_sets_are_the_same_bytes(tmp_path):
    for name in ('one', 'two'):
        write_landmark_dataset(tmp_path / name, {'train': 3}, image_size=48, seed=1)
    files = sorted(p.relative_to(tmp_path / 'one') for p in (tmp_path / 'one').rglob('*') if p.is_file())
    assert len(files) == 5
    for file in files:
        assert (tmp_path / 'one' / file).read_bytes() == (tmp_path / 'two' / file).read_bytes()


def test_identity_dataset_has_nobody_of_the_landmark_task(tmp_path):
    out = write_identity_dataset(tmp_path / 'people', identities=3, shots=4, image_size=48, seed=1)
    with open(out / 'index.csv', newline='') as table:
        rows = list(csv.DictReader(table))
    assert list(rows[0]) == ['file', 'identity', 'label', 'split']
    assert len(rows) == 12
    assert sorted({int(r['label']) for r in rows}) == [0, 1, 2]
    assert len({(r['identity'], r['label']) for r in rows}) == 3
    for label in '012':
        assert [r['split'] for r in rows if r['label'] == label] == ['train'] * 3 + ['val']
    assert sorted(r['file'] for r in rows) == sorted(f'images/{p.name}' for p in (out / 'images').iterdir())
    # the images show persons from SOURCE_START on, whose numbers the landmark task never uses
    for row in rows[::5]:
        identity, shot = int(row['identity'][1:]), int(row['file'].split('_')[1][:3])
        assert identity >= SOURCE_START
        stored = cv2.imread(str(out / row['file']))[..., ::-1]
        assert np.array_equal(stored, FaceGenerator(48, 1).render(identity, shot).image)
    with pytest.raises(DataError, match='images'):
        write_landmark_dataset(tmp_path / 'many', {'train': SOURCE_START, 'test': 1})


@pytest.mark.parametrize('write', [lambda out: write_landmark_dataset(out, {'train': 1}, image_size=32),
                                   lambda out: write_identity_dataset(out, 1, 2, image_size=32)])
def test_an_existing_folder_is_refused_and_left_alone(tmp_path, write):
    out = tmp_path / 'there'
    out.mkdir()
    (out / 'note').write_text('mine')
    with pytest.raises(DataError, match='there.*exists.*Remove'):
        write(out)
    assert [p.name for p in tmp_path.iterdir()] == ['there']
    assert (out / 'note').read_text() == 'mine'


def test_nothing_is_left_when_writing_fails(tmp_path, monkeypatch):
    calls = []

    def breaks(self, identity, shot):
        calls.append(identity)
        if len(calls) == 2:
            raise RuntimeError('interrupted')
        return rendered

    rendered = FaceGenerator(32).render(0, 0)
    monkeypatch.setattr(FaceGenerator, 'render', breaks)
    with pytest.raises(RuntimeError, match='interrupted'):
        write_landmark_dataset(tmp_path / 'faces', {'train': 3}, image_size=32)
    assert len(calls) == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize('splits', [{'training': 3}, {'train': 0}, {}])
def test_bad_splits_are_refused(tmp_path, splits):
    with pytest.raises(DataError, match='splits'):
        write_landmark_dataset(tmp_path / 'faces', splits)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize('change', [dict(identities=0), dict(shots=1), dict(val_share=0.0),
                                    dict(val_share=1.0)])
def test_bad_numbers_of_people_are_refused(tmp_path, change):
    with pytest.raises(DataError, match=next(iter(change))):
        write_identity_dataset(tmp_path / 'people', **dict(identities=2, shots=2) | change)
    assert list(tmp_path.iterdir()) == []


def test_an_image_size_that_is_too_small_is_refused():
    with pytest.raises(DataError, match='image_size is 8'):
        FaceGenerator(8)
