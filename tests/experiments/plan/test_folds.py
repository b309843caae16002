"""Cross-validation of a suite: who is dealt out to which fold, what a fold's folder holds, and what is refused."""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmark.datasets.prepared import Split, fingerprint, read_split
from benchmark.datasets.synthetic.faces import write_landmark_dataset
from benchmark.experiments.errors import SuiteError
from benchmark.experiments.plan.folds import deal, folds_part, make_folds, merge
from benchmark.experiments.plan.plan import make_plan
from benchmark.experiments.suite.fields import changed
from benchmark.experiments.suite.inputs import PreparedData
from benchmark.experiments.suite.suite import load_suite

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope='module')
def faces(tmp_path_factory):
    """A prepared folder of 20 images, and its splits."""
    root = tmp_path_factory.mktemp('faces') / 'data'
    write_landmark_dataset(root, dict(train=10, val=4, test=6), image_size=32, seed=0)
    return root, {split: read_split(root, split) for split in ('train', 'val', 'test')}


def made(faces, tmp_path, repetitions=(0,), **fields):
    root, splits = faces
    data = PreparedData(**{'root': str(root), 'folds': 4, **fields})
    return make_folds(data, repetitions, root, fingerprint(root), splits, tmp_path)


def names(split: Split) -> set[str]:
    return {record.file_name for record in split.records}


def persons(split: Split) -> set[str]:
    return {record.subject for record in split.records}


def test_each_image_is_tested_once_and_nobody_is_on_both_sides(faces, tmp_path):
    every = names(faces[1]['train']) | names(faces[1]['val']) | names(faces[1]['test'])
    folds = made(faces, tmp_path, (0, 1))
    assert [(fold.repetition, fold.number) for fold in folds] == [(r, k) for r in (0, 1) for k in range(4)]
    for repetition in (0, 1):
        own = [fold for fold in folds if fold.repetition == repetition]
        tested = [name for fold in own for name in names(fold.splits['test'])]
        assert sorted(tested) == sorted(every)
        for fold in own:
            sides = [persons(fold.splits[split]) for split in ('train', 'val', 'test')]
            assert not (sides[0] & sides[1] or sides[0] & sides[2] or sides[1] & sides[2])
            assert set().union(*(names(split) for split in fold.splits.values())) == every
            assert all(record.path.is_file() for record in fold.splits['train'].records)
    assert names(folds[0].splits['test']) != names(folds[4].splits['test'])


def test_folds_are_drawn_once_and_known_by_their_digests(faces, tmp_path):
    first, again = made(faces, tmp_path), made(faces, tmp_path)
    assert [fold.root for fold in first] == [fold.root for fold in again]
    assert len({fold.fingerprint for fold in first}) == 4
    assert all(fold.fingerprint == fingerprint(fold.root) for fold in first)
    more = made(faces, tmp_path, (0, 1))
    assert [fold.root for fold in more[:4]] == [fold.root for fold in first]  # a repetition more changes none
    one = PreparedData(root='x', folds=4)
    told = folds_part(one, first)['folds']
    assert told['repeats'] == 1 and told['drawn'][0]['tested'] == sorted(names(first[0].splits['test']))
    assert folds_part(PreparedData(root='x'), first) == {}
    root = faces[0]
    plain = make_folds(PreparedData(root=str(root)), (0,), root, 'content', faces[1], tmp_path)
    assert len(plain) == 1 and plain[0].root == root and plain[0].repetition is None


def test_trainings_of_a_cross_validation_have_seeds_of_their_own(faces, tmp_path):
    folds = made(faces, tmp_path, (0, 1))
    assert [fold.seed(fold.repetition, 4) for fold in folds] == [*range(8)]


def test_strata_and_images_are_spread_evenly():
    units = {f'p{n:02d}': ['a'] * (1 + n % 3) for n in range(23)}
    strata = {unit: 'sick' if n < 7 else 'well' for n, unit in enumerate(units)}
    for seed in range(20):
        fold = deal(units, strata, 5, np.random.default_rng(seed))
        assert {*fold.values()} == {*range(5)} and [*fold] == [*units]
        for stratum in ('sick', 'well'):
            counts = np.bincount([own for unit, own in fold.items() if strata[unit] == stratum], minlength=5)
            assert np.ptp(counts) <= 1
        images = np.bincount([*fold.values()], [len(own) for own in units.values()])
        assert np.ptp(images) <= 4


def test_no_fold_is_empty_where_each_stratum_has_few_units():
    units = {f'p{n}': ['a'] for n in range(5)}
    fold = deal(units, {unit: unit for unit in units}, 5, np.random.default_rng(0))
    assert sorted(fold.values()) == [*range(5)]


def test_annotations_of_all_splits_have_ids_of_their_own(faces):
    merged = merge(faces[0], ['train', 'val', 'test'])
    ids = [image['id'] for image in merged['images']]
    assert len(ids) == len(set(ids)) == 20
    by_id = {image['id']: image['file_name'] for image in merged['images']}
    test = json.loads((faces[0] / 'annotations/test.json').read_text())
    of = {one['image_id']: one['keypoints'] for one in test['annotations']}
    points = {image['file_name']: of[image['id']] for image in test['images']}
    found = {by_id[one['image_id']]: one['keypoints'] for one in merged['annotations']}
    assert len(found) == 20 and points.items() <= found.items()


def test_images_of_one_person_stay_together_unless_images_are_dealt_out(faces, tmp_path):
    with pytest.raises(SuiteError, match=r'data.folds=21 \(--folds\): .* has .* images, so that some fold'):
        made(faces, tmp_path, by='image', folds=21)
    root, splits = faces
    alone = {name: Split(changed_meta(split.meta), split.records) for name, split in splits.items()}
    with pytest.raises(SuiteError, match="data.by='subject': .* names no subject"):
        make_folds(PreparedData(root=str(root), folds=4), (0,), root, 'content', alone, tmp_path)
    with pytest.raises(SuiteError, match="data.balance='age': .* has no such group"):
        made(faces, tmp_path, balance='age')


def changed_meta(meta):
    from dataclasses import replace
    return replace(meta, subject=None)


def test_more_folds_than_persons_are_refused(faces, tmp_path):
    count = len(set().union(*(persons(split) for split in faces[1].values())))
    with pytest.raises(SuiteError, match=f'has {count} persons, so that some fold would have no test image'):
        made(faces, tmp_path, folds=count + 1)


@pytest.mark.parametrize('text, message', [
    ('data = dict(repeats=2)', 'data.repeats=2: there are no folds to repeat'),
    ('data = dict(folds=1)', 'data.folds=1: give a whole number, 2 or more'),
    ('data = dict(folds=3, by="family")', r'data\.by'),
    ('data = dict(folds=3)\nanalysis = dict(sequential=dict(max_seeds=9))', 'analysis.sequential: looks add seeds'),
    ('data = dict(folds=3)\ntuning = dict(trials=2, axes={"lr": [1e-3, 1e-2]})', 'tuning'),
])
def test_declarations_that_do_not_fit_are_refused(tmp_path, text, message):
    path = tmp_path / 'own.py'
    path.write_text(f'_base_ = {str(ROOT / "mmconfigs/suites/smoke.py")!r}\n{text}\n')
    with pytest.raises(SuiteError, match=message):
        load_suite(str(path))


def test_seeds_of_a_cross_validation_are_its_repetitions(tmp_path, capsys):
    path = tmp_path / 'own.py'
    path.write_text(f'_base_ = {str(ROOT / "mmconfigs/suites/smoke.py")!r}\ndata = dict(folds=3, repeats=4)\n')
    suite = load_suite(str(path))
    assert suite.seeds == [0, 1, 2, 3] and 'repetitions, 4' in capsys.readouterr().err
    assert changed(suite, seeds=[0]).data.folds == 3


@pytest.mark.parametrize('text, proposed', [('', True), ("data['folds'] = 2\n", False),
                                            ("analysis = dict(sequential=dict(max_seeds=5))\n", False)])
def test_few_test_images_propose_folds_before_a_source_is_asked_for(faces, tmp_path, capsys, text, proposed):
    path = tmp_path / 'mine.py'
    path.write_text(f"_base_ = {str(ROOT / 'mmconfigs/suites/smoke.py')!r}\n"
                    f"data = dict(_delete_=True, type='prepared', root={str(faces[0])!r})\n"
                    f"source = dict(_delete_=True, type='checkpoint', path='nowhere.pth')\n{text}")
    with pytest.raises(SuiteError, match='nowhere.pth'):
        make_plan(changed(load_suite(str(path)), data_replaced=True), tmp_path / 'out')
    said = 'note: 6 test images say little; --folds 5 --repeats 5 tests each of the 20 images'
    assert (said in capsys.readouterr().out) is proposed
