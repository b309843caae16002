"""Forms that prepare_data.py reads back: the same names and coordinates."""

import json
import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from forked import command

from benchmark.datasets.metainfo import LandmarkMeta

ROOT = Path(__file__).parents[2]
NAMES = ['left', 'right', 'top', 'never']
SCHEME = LandmarkMeta.from_dict(dict(name='n', landmarks=NAMES, flip_indices=[0, 1, 2, 3]), 'metainfo.json')


@pytest.fixture
def predicted(tmp_path):
    """Sources and lines of six photographs, and of one that can't be read."""
    from benchmark.detector.photographs import Source
    rng, sources, lines = np.random.default_rng(1), [], {}
    for number in range(6):
        name = f'p{number}.png'
        path = tmp_path / 'photos' / name
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), rng.integers(0, 255, (60, 80, 3), dtype=np.uint8))
        sources.append(Source(name, path))
        points = rng.uniform(5, 55, (4, 2)).round(4).tolist()
        lines[name] = dict(image=name, size=[80, 60], points=points)
    sources.append(Source('bad.png', tmp_path / 'photos/bad.png'))
    lines['bad.png'] = dict(image='bad.png', error='bad.png: is empty')
    return sources, lines


@pytest.mark.parametrize('form, place', [('pts', 'pts'), ('csv', 'landmarks.wide.csv'), ('labelme', 'labelme')])
def test_read_back(form, place, predicted, tmp_path, registered):
    from benchmark.detector.written import write_formats
    sources, lines = predicted
    write_formats(tmp_path / 'out', [form], SCHEME, sources, lines, ['never'])
    # A point that may be anywhere has no mirror image here; every photograph is another person's.
    options = ['--flip-policy', 'never', '--subject', 'none', '--images', tmp_path / 'photos']
    if form == 'pts':
        options += ['--names', ','.join(NAMES[:3])]
    done = command([ROOT / 'tools/prepare_data.py', form, tmp_path / 'out' / place, tmp_path / 'set', *options],
                   os.environ | dict(OMP_NUM_THREADS='1'))
    assert done.returncode == 0, done.stderr + done.stdout
    assert json.loads((tmp_path / 'set/format.json').read_text()) == {'format': form}
    found = {}
    for path in (tmp_path / 'set/annotations').glob('*.json'):
        content = json.loads(path.read_text())
        assert content['categories'][0]['keypoints'] == NAMES[:3]
        names = {entry['id']: entry['file_name'] for entry in content['images']}
        found |= {Path(names[one['image_id']]).stem: np.reshape(one['keypoints'], (-1, 3))[:, :2]
                  for one in content['annotations']}
    assert len(found) == 6
    for name, line in lines.items():
        if 'points' in line:
            one = next(points for stem, points in found.items() if stem.endswith(Path(name).stem))
            np.testing.assert_allclose(one, line['points'][:3], atol=1e-3)


def test_what_can_not_be_written(predicted, registered):
    from benchmark.detector.loaded import DetectorError
    from benchmark.detector.photographs import Source
    from benchmark.detector.written import check_formats
    sources, _ = predicted
    check_formats(['pts', 'csv', 'labelme'], sources, True)
    check_formats(['csv'], [*sources, Source('p1.jpg', Path('p1.jpg'))], False)
    for formats, more, turned, said in (
            (['tps'], [], True, '--format tps: is none of pts, csv, labelme'),
            (['labelme'], [], False, 'turns photographs'),
            (['pts'], [Source('p1.jpg', Path('p1.jpg'))], True, 'p1.png and p1.jpg would be one file')):
        with pytest.raises(DetectorError, match=said):
            check_formats(formats, [*sources, *more], turned)


def test_the_form_of_the_data_where_nothing_is_asked_for(predicted, tmp_path):
    from benchmark.datasets.formats.came import CAME, read_format, write_format
    from benchmark.detector.photographs import Source
    from benchmark.detector.written import form_like
    sources, _ = predicted
    assert [form_like(came, sources, True) for came in ('300w', 'csv', 'labelme', 'coco', 'slicer', None)] == [
        (['pts'], ''), (['csv'], ''), (['labelme'], ''), ([], ''), ([], ''), ([], '')]
    # What was not asked for stops nobody.
    forms, said = form_like('pts', [*sources, Source('p1.jpg', Path('p1.jpg'))], True)
    assert forms == [] and 'The data came as pts' in said and 'would be one file' in said
    write_format(tmp_path, 'labelme')
    assert read_format(tmp_path) == 'labelme'
    for odd in ('', '[]', '{"format": 3}', '{}'):
        (tmp_path / CAME).write_text(odd)
        assert read_format(tmp_path) is None
    assert read_format(tmp_path / 'older') is None


def test_a_network_knows_the_form(runs, tmp_path, registered):
    import contextlib

    import torch

    from benchmark.detector.work import Options, predict_folder
    content = torch.load(runs.folders['ft', 0] / 'network.pth', weights_only=True)
    assert content['meta']['came'] is None  # synthetic faces, which no converter made
    image = next(iter(runs.points('ft')))

    def made(came, formats):
        content['meta'].update(came=came) if came else content['meta'].pop('came', None)
        torch.save(content, tmp_path / 'network.pth')
        out = tmp_path / f'out-{came}-{formats}'
        left, bad = predict_folder(Options(tmp_path / 'network.pth', [runs.images / image], out, device='cpu',
                                           formats=formats),
                                   lambda: False, lambda line: None, lambda place: contextlib.nullcontext())
        assert (left, bad) == (0, 0)
        return {name for name in ('pts', 'landmarks.wide.csv', 'labelme') if (out / name).exists()}

    assert made('labelme', None) == {'labelme'}
    assert made('labelme', ('pts',)) == {'pts'}
    assert made('labelme', ()) == set()
    assert made(None, None) == set()  # of a network that was kept before this was
