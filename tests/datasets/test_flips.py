"""No image is mirrored without pairs that the user gave, and a plan says so."""

import argparse
import json
from dataclasses import replace

import cv2
import numpy as np
import pytest

from benchmark.datasets.formats import FORMATS, prepare
from benchmark.datasets.metainfo import DataError, LandmarkMeta, load_metainfo
from benchmark.datasets.prepared import fingerprint, read_split
from benchmark.experiments.plan.answerable import answerable
from benchmark.experiments.plan.configure import run_config
from benchmark.experiments.plan.data import sound
from benchmark.experiments.plan.protocol import protocol
from benchmark.experiments.suite.configs import find_config
from benchmark.experiments.suite.inputs import PreparedData, RandomSource
from benchmark.experiments.suite.model import Method, Settings
from benchmark.experiments.suite.suite import Suite

#: Outer and inner corners of the eyes, nose and corners of the mouth; and a head from the side.
FACE = np.array([[60, 90], [180, 90], [96, 92], [144, 92], [120, 130], [88, 180], [152, 180]], float)
HEAD = np.array([[84, 100], [147, 103], [129, 128], [60, 123], [138, 165], [133, 220], [126, 227],
                 [69, 180], [159, 175], [138, 231]], float)
SEEDS = dict(init=1, order=2, augmentation=3, split=4)
BARE = LandmarkMeta(name='bare', landmarks=('p1', 'p2', 'p3'), flip_indices=(0, 1, 2))


def sample(base, count):
    """Points (count, K, 2) of one shape, with noise."""
    return 1.2 * base + np.random.default_rng(0).normal(0, 1, (count, *base.shape))


def write_table(folder, points, names):
    """A table of images 0.png, 1.png, ... with these points (N, K, 2)."""
    folder.mkdir()
    rows = ['image,' + ','.join(f'{name}_x,{name}_y' for name in names)]
    for number, one in enumerate(points):
        pixels = np.random.default_rng(number).integers(0, 256, (300, 300), np.uint8)
        assert cv2.imwrite(str(folder / f'{number}.png'), pixels)
        rows.append(f'{number}.png,' + ','.join(f'{value:.2f}' for value in one.ravel()))
    (folder / 'points.csv').write_text('\n'.join(rows) + '\n')
    return folder / 'points.csv'


def convert(table, out, *options):
    parser = argparse.ArgumentParser()
    FORMATS['csv'].add_arguments(parser)
    return prepare('csv', str(table), out, parser.parse_args(list(options)))


@pytest.fixture(scope='module')
def numbered(tmp_path_factory):
    """A table of 20 faces whose landmarks are called p0 to p6."""
    return write_table(tmp_path_factory.mktemp('n') / 'src', sample(FACE, 20), [f'p{k}' for k in range(7)])


@pytest.mark.parametrize(('meta', 'flip'), [
    (BARE, 0.0), (replace(BARE, flip_policy='mask'), 0.0), (replace(BARE, midline=True), 0.5),
    (replace(BARE, flip_indices=(1, 0, 2)), 0.5)])
@pytest.mark.parametrize('of_view', [None, 'swap'])
def test_the_config_of_a_run_without_pairs_draws_no_flip(registered, meta, flip, of_view):
    cfg = run_config(Method(config=str(find_config('methods', 'ft'))), Settings(), meta, SEEDS, None, 1.2, 8,
                     {'train_dataloader.dataset.pipeline.0.flip_policy': of_view})
    assert protocol(cfg)['view_flip'] == flip


@pytest.mark.parametrize(('options', 'mirrored'), [([], False), (['--flip-pairs', 'none'], True),
                                                   (['--flip-pairs', 'proposed'], True)])
def test_the_data_set_refuses_flips_without_pairs(registered, numbered, tmp_path, options, mirrored):
    from benchmark.datasets.landmarks import LandmarkDataset
    convert(numbered, tmp_path / 'set', *options)
    view = dict(type='DrawView', flip=1.0, scales=(1.0,), flip_policy='swap')
    data = LandmarkDataset(str(tmp_path / 'set'), 'train', (64, 64), pipeline=[view])
    assert data[0]['flip'] is mirrored


def test_a_plan_says_that_nothing_is_mirrored_and_what_the_check_warns_of(numbered, tmp_path, capsys):
    convert(numbered, tmp_path / 'set')
    suite = Suite(methods={}, seeds=[0], data=PreparedData(root='set'), source=RandomSource())
    answerable(suite, tmp_path / 'set', read_split(tmp_path / 'set', 'test'))
    assert 'so no image is mirrored' in capsys.readouterr().out
    for _ in range(2):
        sound(tmp_path / 'set', fingerprint(tmp_path / 'set'), tmp_path / 'cache')
        assert 'the check warns: flip-pairs 1.' in capsys.readouterr().out
    convert(numbered, tmp_path / 'sure', '--flip-policy', 'never')
    answerable(suite, tmp_path / 'sure', read_split(tmp_path / 'sure', 'test'))
    sound(tmp_path / 'sure', fingerprint(tmp_path / 'sure'), tmp_path / 'cache')
    assert capsys.readouterr().out == ''


def test_prepare_without_pairs_says_what_it_does(numbered, tmp_path):
    report, notes = convert(numbered, tmp_path / 'plain')
    assert load_metainfo(tmp_path / 'plain').mirroring == 'never'
    assert any('no image is mirrored' in note for note in notes)
    assert [one.kind for one in report.findings] == ['flip-pairs']
    report, notes = convert(numbered, tmp_path / 'taken', '--flip-pairs', 'proposed')
    meta = load_metainfo(tmp_path / 'taken')
    assert meta.flip_indices == (1, 0, 3, 2, 4, 6, 5) and meta.mirroring == 'swap'
    coco = json.loads((tmp_path / 'taken' / 'annotations' / 'train.json').read_text())
    assert coco['categories'][0]['flip_indices'] == list(meta.flip_indices)
    assert any('from the mean shape: p0:p1, p2:p3, p5:p6;' in note for note in notes) and report.findings == []
    report, _ = convert(numbered, tmp_path / 'none', '--flip-pairs', 'none')
    meta = load_metainfo(tmp_path / 'none')
    assert meta.midline and meta.mirroring == 'swap' and [one.kind for one in report.findings] == ['flip-pairs']
    convert(numbered, tmp_path / 'never', '--flip-pairs', 'none', '--flip-policy', 'never')
    assert load_metainfo(tmp_path / 'never').mirroring == 'never'
    assert 'midline' not in json.loads((tmp_path / 'taken' / 'metainfo.json').read_text())


def test_pairs_that_cannot_be_proposed_are_refused(numbered, tmp_path):
    heads = write_table(tmp_path / 'heads', sample(HEAD, 12), [f'q{k}' for k in range(10)])
    with pytest.raises(DataError, match='--flip-pairs: .*differs from its mirror image by .*--flip-policy never'):
        convert(heads, tmp_path / 'set', '--flip-pairs', 'proposed')
    few = write_table(tmp_path / 'few', sample(FACE, 5), [f'q{k}' for k in range(7)])
    with pytest.raises(DataError, match='--flip-pairs: .*at least 8 images'):
        convert(few, tmp_path / 'set', '--flip-pairs', 'proposed')


def test_midline_contradicts_pairs():
    with pytest.raises(DataError, match='midline is True'):
        LandmarkMeta.from_dict(dict(landmarks=['a', 'b'], flip_indices=[1, 0], midline=True), 'metainfo.json')
