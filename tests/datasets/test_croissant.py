"""The card of a prepared set: its fields, its digests, what it does not say, and mlcroissant's own judgement."""

import hashlib
import importlib.util
import json

import pytest

from benchmark.commands.prepare_data import main
from benchmark.datasets.prepared import fingerprint

POINTS = [[[4.0, 5], [20, 6], [12, 30]], [[5.0, 6], [21, 7], [13, 31]], [[6.0, 7], [22, 8], [14, 32]]]
LACKED = "patient's eye"


@pytest.fixture
def root(prepared):
    """Two splits; a group that one image lacks, and one with an apostrophe."""
    for split in ('train', 'test'):
        root = prepared(POINTS, split=split, extra={LACKED: 'left'})
    (root / 'metainfo.json').write_text(json.dumps({
        'name': 'clinic faces', 'landmarks': ['left', 'right', 'middle'], 'flip_indices': [1, 0, 2],
        'subject': 'subject', 'groups': [LACKED, 'age'], 'licence': 'CC BY 4.0'}))
    path = root / 'annotations/train.json'
    content = json.loads(path.read_text())
    for image in content['images']:
        image |= {'subject': f'Smith {image["id"]}', 'diagnosis': 'secret'}
    content['images'][0]['age'] = 'old'
    path.write_text(json.dumps(content))
    return root


def written(root, *options):
    assert main(['card', str(root), *options]) == 0
    return json.loads((root / 'croissant.json').read_text())


def test_files_splits_and_fields_are_those_of_the_set(root):
    before = fingerprint(root)
    card = written(root)
    assert card['conformsTo'] == 'http://mlcommons.org/croissant/1.1' and card['identifier'] == f'sha256:{before}'
    assert card['identifier'] == f'sha256:{fingerprint(root)}'  # the card is no part of what it describes
    files = {one['@id']: one for one in card['distribution']}
    assert set(files) == {'metainfo.json', 'annotations/train.json', 'annotations/test.json', 'images'}
    for name, one in files.items():
        if name != 'images':
            assert one['sha256'] == hashlib.sha256((root / name).read_bytes()).hexdigest()
    assert files['images']['includes'] == ['images/*.png'] and files['images']['encodingFormat'] == 'image/png'
    sets = {one['name']: {field['name']: field for field in one['field']} for one in card['recordSet']}
    assert set(sets) == {'train_images', 'train_landmarks', 'test_images', 'test_landmarks'}
    assert set(sets['train_images']) == {'id', 'file_name', 'width', 'height', 'subject', LACKED}
    assert sets['test_landmarks']['keypoints']['arrayShape'] == '9'
    assert 'left, right, middle' in sets['test_landmarks']['keypoints']['description']


def test_no_value_of_an_image_is_in_it(root):
    text = json.dumps(written(root))
    assert 'Smith' not in text and 'secret' not in text and 'diagnosis' not in text and 'train0' not in text


def test_what_is_absent_is_said_and_what_is_told_is_written(root, capsys):
    card = written(root)
    said = capsys.readouterr().out
    assert card['license'] == 'CC BY 4.0' and not {'citeAs', 'url', 'version', 'datePublished'} & set(card)
    assert '--licence' not in said
    assert all(option in said for option in ('--citation', '--url', '--set-version', '--published'))
    assert 'train: 2 of 3 images have no age: the field is left out' in said
    told = ('--licence', 'MIT', '--citation', 'Doe 2026', '--url', 'https://example.org', '--set-version', '1.2.0',
            '--published', '2026-11-30')
    card = written(root, *told)
    assert 'not known' not in capsys.readouterr().out
    assert [card[key] for key in ('license', 'citeAs', 'url', 'version', 'datePublished')] == [*told[1::2]]


def test_images_of_several_kinds_and_in_folders(root):
    (root / 'images/p1').mkdir()
    (root / 'images/train0.png').rename(root / 'images/p1/train0.png')
    (root / 'images/other.JPG').write_bytes(b'x')
    sets = {one['encodingFormat']: one['includes'] for one in written(root)['distribution']
            if one['@type'] == 'cr:FileSet'}
    assert sets == {'image/jpeg': ['images/*.JPG'], 'image/png': ['images/**/*.png', 'images/*.png']}


@pytest.mark.parametrize('options, part', [
    (['--set-version', '1.2'], 'MAJOR.MINOR.PATCH'), (['--published', 'today'], '2026-11-30')])
def test_wrong_options_are_refused_in_one_line(root, capsys, options, part):
    assert main(['card', str(root), *options]) == 2
    error = capsys.readouterr().err
    assert error.count('\n') == 1 and options[0] in error and part in error and not (root / 'croissant.json').exists()


def test_a_folder_that_is_no_prepared_set_is_refused(tmp_path, capsys):
    assert main(['card', str(tmp_path)]) == 2
    assert 'Make the set with tools/prepare_data.py' in capsys.readouterr().err


@pytest.mark.skipif(importlib.util.find_spec('mlcroissant') is None, reason='mlcroissant is not installed')
def test_its_own_validator_takes_it_and_reads_the_records(root):
    import mlcroissant
    (root / 'images/other.JPG').write_bytes(b'x')
    written(root, '--citation', 'Doe 2026', '--url', 'https://example.org', '--set-version', '1.0.0', '--published',
            '2026-11-30')
    dataset = mlcroissant.Dataset(str(root / 'croissant.json'))
    issues = dataset.metadata.ctx.issues
    assert not issues.errors and not issues.warnings
    images, landmarks = ([*dataset.records(f'train_{kind}')] for kind in ('images', 'landmarks'))
    assert [one['train_images/subject'] for one in images] == [b'Smith 1', b'Smith 2', b'Smith 3']
    eye, = (key for key in images[0] if 'eye' in key)
    assert ' ' not in eye and [one[eye] for one in images] == [b'left'] * 3
    assert landmarks[1]['train_landmarks/keypoints'] == [5, 6, 2, 21, 7, 2, 13, 31, 2]
