"""The public point schemes: mirror images, names, and which public index is which of the 14 landmarks."""

import argparse
from pathlib import Path

import mmpose
import numpy as np
import pytest
from mmengine.config import Config

from benchmark.datasets.formats.common import Sample
from benchmark.datasets.formats.points import choose_landmarks, draw_val, load_points
from benchmark.datasets.metainfo import SCHEMES, LandmarkMeta, read_json

FACE14 = load_points('face14').landmarks
FACES = dict(ibug68=68, wflw98=98, cofw29=29, aflw19=19, frl189=189)
#: Public index of each of the 14 in the order of face14.json; None: the scheme has no such point.
INDICES = dict(
    ibug68=(36, 39, 42, 45, 27, 30, 31, 33, 35, 48, 50, 51, 52, 54),
    wflw98=(60, 64, 68, 72, 51, 54, 55, 57, 59, 76, 78, 79, 80, 82),
    cofw29=(8, 10, 11, 9, None, 20, 18, 21, 19, 22, None, 24, None, 23),
    aflw19=(6, 8, 9, 11, None, 13, 12, None, 14, 15, None, None, None, 17),
    frl189=(18, 22, 23, 27, (51, 57), (54, 60), 63, 55, 68, 87, 89, 90, 91, 93))


@pytest.mark.parametrize('name', sorted(p.stem for p in SCHEMES.glob('*.json')))
def test_every_scheme_is_sound_and_its_file_is_called_after_it(name):
    fields = read_json(SCHEMES / f'{name}.json')
    mapping = fields.pop('face14', {})
    meta = LandmarkMeta.from_dict(fields, name)
    assert meta.name == name
    for a, flip in zip(meta.landmarks, meta.flip_indices, strict=True):
        if a.endswith('_r'):
            assert meta.landmarks[flip].endswith('_l')
    for points in mapping.values():
        assert all(0 <= p < len(meta.landmarks) for p in points)


@pytest.mark.parametrize(('name', 'public'), [('ibug68', '300w'), ('wflw98', 'wflw'), ('cofw29', 'cofw'),
                                              ('aflw19', 'aflw')])
def test_mirror_images_are_those_of_mmpose(name, public):
    folder = Path(mmpose.__file__).parent / '.mim/configs/_base_/datasets'
    info = Config.fromfile(str(folder / f'{public}.py'))['dataset_info']['keypoint_info']
    names = [info[i]['name'] for i in range(len(info))]
    swaps = [names.index(info[i]['swap']) if info[i]['swap'] else i for i in range(len(info))]
    assert list(load_points(name).flip_indices) == swaps


@pytest.mark.parametrize('name', FACES)
def test_public_index_of_each_landmark(name):
    scheme = load_points(name)
    assert scheme.count == FACES[name]
    wanted = {k: i if isinstance(i, tuple) else (i,) for k, i in zip(FACE14, INDICES[name]) if i is not None}
    assert scheme.face14 == wanted
    assert all(scheme.landmarks[i[0]] == k for k, i in wanted.items() if len(i) == 1)


@pytest.mark.parametrize('name', FACES)
def test_the_mirror_image_of_a_landmark_is_that_of_its_points(name):
    scheme, ours = load_points(name), load_points('face14')
    for landmark, points in scheme.face14.items():
        mirrored = ours.landmarks[ours.flip_indices[ours.landmarks.index(landmark)]]
        assert {scheme.flip_indices[p] for p in points} == set(scheme.face14[mirrored])


def test_landmarks_of_several_points_are_their_mean_and_those_that_lack_are_not_annotated():
    points = np.column_stack([np.arange(189.0), 2 * np.arange(189.0), np.full(189, 2.0)])
    points[54, 2] = 1
    points[93, 2] = 0
    chosen = choose_landmarks(points, load_points('frl189'), '14')
    assert chosen[FACE14.index('nasion')].tolist() == [54, 108, 2]
    assert chosen[FACE14.index('pronasale')].tolist() == [57, 114, 1]
    assert chosen[FACE14.index('cheilion_l'), 2] == 0 and chosen[FACE14.index('cheilion_r')].tolist() == [87, 174, 2]
    np.testing.assert_array_equal(choose_landmarks(points, load_points('frl189'), 'all'), points)
    aflw = choose_landmarks(points[:19] + (0, 0, 1), load_points('aflw19'), '14')
    missing = [name for name, row in zip(FACE14, aflw) if row[2] == 0]
    assert missing == ['nasion', 'subnasale', 'crista_philtri_r', 'labiale_superius', 'crista_philtri_l']


def test_the_documented_indices_are_those_of_the_schemes():
    text = (Path(__file__).parents[2] / 'docs/data.md').read_text()
    table = [[cell.strip() for cell in line.strip('|').split('|')] for line in text.splitlines()
             if line.startswith('|')]
    rows = {row[0]: row[1:] for row in table if row[0] in FACE14}
    assert tuple(rows) == FACE14
    for column, name in enumerate(FACES):
        for landmark, cells in rows.items():
            points = load_points(name).face14.get(landmark, ())
            assert cells[column] == (', '.join(map(str, points)) or '-')
    lines = {int(row[i]): row[i + 1] for row in table for i in range(0, len(row) - 1, 2) if row[i].isdecimal()}
    assert tuple(lines[i + 1] for i in range(19)) == load_points('isbi19').landmarks


def test_validation_is_drawn_by_the_seed_from_photographs_whatever_their_order():
    def drawn(seed, order=1):
        samples = [Sample(Path(f'{i // 2:02}.jpg'), f'{i}', '', {}, 'train') for i in range(40)][::order]
        draw_val(samples, argparse.Namespace(val_share=0.2, seed=seed))
        assert sum(s.split == 'val' for s in samples) == 8
        return {s.source.stem for s in samples if s.split == 'val'}

    assert len(drawn(0)) == 4 and drawn(0) == drawn(0, -1)
    assert len({frozenset(drawn(seed)) for seed in range(5)}) == 5
