"""What the converters share: the crop, names of mirror images, the split by subject."""

import numpy as np
import pytest

from benchmark.datasets.formats.common import flip_indices, mirror_name, parse_pairs
from benchmark.datasets.formats.crops import crop_image, crop_points, crop_square
from benchmark.datasets.formats.splits import split_by_subject
from benchmark.datasets.metainfo import DataError


def test_crop_against_hand_computed_numbers():
    assert crop_square((10, 20, 40, 20), 1.5) == (0, 0, 60)
    assert crop_square((0, 0, 8, 4), 1.25) == (-1, -3, 10)
    # Side 60 to 30: pixel 0 and 1 share a new pixel whose centre lies between them.
    np.testing.assert_allclose(crop_points([[0.5, 0.5], [0, 59]], (0, 0, 60), 30), [[0, 0], [-0.25, 29.25]])
    # Side 10 from (-1, -3) to 20: x = 0 covers the new pixels 2 and 3, y = 0 the new pixels 6 and 7.
    np.testing.assert_allclose(crop_points([[0, 0]], (-1, -3, 10), 20), [[2.5, 6.5]])


@pytest.mark.parametrize('size', [20, 40, 160])
@pytest.mark.parametrize('square', [(8, 12, 80), (-16, -8, 80)])
def test_crop_finds_a_drawn_dot(square, size):
    image = np.zeros((96, 128, 3), np.uint8)
    image[40:44, 52:56] = 255
    crop = crop_image(image, square, size)[:, :, 0].astype(float)
    assert crop.shape == (size, size)
    y, x = np.mgrid[:size, :size]
    centre = np.array([(crop * x).sum(), (crop * y).sum()]) / crop.sum()
    np.testing.assert_allclose(centre, crop_points([53.5, 41.5], square, size), atol=0.02)


def test_crop_averages_when_shrinking():
    image = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
    blocks = image[4:12, 4:12].reshape(2, 4, 2, 4, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(crop_image(image, (4, 4, 8), 2), blocks, atol=0.51)


def test_crop_replicates_edges():
    image = np.arange(12, dtype=np.uint8).reshape(3, 4, 1).repeat(3, axis=2)
    crop = crop_image(image, (-1, -1, 6), 6)[:, :, 0]
    np.testing.assert_array_equal(crop[0], [0, 0, 1, 2, 3, 3])
    np.testing.assert_array_equal(crop[-1], [8, 8, 9, 10, 11, 11])


@pytest.mark.parametrize(('name', 'mirror'), [
    ('eye_r', 'eye_l'), ('eye_left', 'eye_right'), ('left_eye', 'right_eye'), ('R_eye', 'L_eye'),
    ('eye_Left', 'eye_Right'), ('nose', None), ('lip', None)])
def test_mirror_name(name, mirror):
    assert mirror_name(name) == mirror


def test_flip_indices():
    names = ['eye_r', 'nose', 'eye_l', 'ear_l']
    indices, note = flip_indices(names, None)
    assert indices == [2, 1, 0, 3]
    assert 'derived from the names: eye_r:eye_l' in note and 'ear_l' in note.split(';')[1]
    assert flip_indices(names, 'nose:ear_l')[0] == [0, 3, 2, 1]
    assert flip_indices(names, 'none')[0] == [0, 1, 2, 3]
    with pytest.raises(DataError, match='eye_r:nose pairs a landmark twice'):
        flip_indices(names, 'eye_r:eye_l,eye_r:nose')
    with pytest.raises(DataError, match=r"--interocular: 'mouth' is no landmark. Landmarks: eye_r, nose"):
        parse_pairs('eye_r:mouth', '--interocular', names)
    with pytest.raises(DataError, match="'eye_r' is not of the form A:B"):
        parse_pairs('eye_r', '--interocular', names)


def test_split_by_subject_has_the_shares():
    subjects = [f's{i % 50}' for i in range(200)]
    split = split_by_subject(subjects, 0)
    assert sorted(split) == sorted(set(subjects))
    assert [list(split.values()).count(s) for s in ('train', 'val', 'test')] == [32, 8, 10]
    assert split_by_subject(subjects[::-1], 0) == split != split_by_subject(subjects, 1)
    assert sorted(split_by_subject('abc', 0).values()) == ['test', 'train', 'val']
    with pytest.raises(DataError, match='2 subjects cannot be split'):
        split_by_subject('aabb', 0)
