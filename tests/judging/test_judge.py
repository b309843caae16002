"""Judging a source: what is read, what is refused, what is written."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from forked import command

from benchmark.datasets.synthetic.faces import write_identity_dataset, write_landmark_dataset
from benchmark.judging.judged import as_text, knows, shortcoming

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope='module')
def faces(tmp_path_factory):
    """Six synthetic people, four images each, two to a clip."""
    root = tmp_path_factory.mktemp('faces') / 'identities'
    write_identity_dataset(root, identities=6, shots=4, image_size=64, seed=5)
    rows = [*csv.DictReader((root / 'index.csv').open(encoding='utf-8'))]
    for number, row in enumerate(rows):
        row['clip'] = f'{row["identity"]}-{number // 2}'
    with (root / 'index.csv').open('w', encoding='utf-8', newline='') as stream:
        writer = csv.DictWriter(stream, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    return root


@pytest.fixture(scope='module')
def checkpoint(registered, tmp_path_factory):
    """A source: ResNet-18 of width 8."""
    from mmpose.registry import MODELS
    arch = dict(type='ResNet', depth=18, stem_channels=8, base_channels=8)
    torch.manual_seed(1)
    backbone = MODELS.build(arch)
    path = tmp_path_factory.mktemp('source') / 'source.pth'
    torch.save(dict(meta=dict(arch=arch, normalisation=dict(mean=[10.0] * 3, std=[50.0] * 3)),
                    state_dict={f'backbone.{key}': value for key, value in backbone.state_dict().items()}), path)
    return path


@pytest.fixture(scope='module')
def found(faces, checkpoint, tmp_path_factory):
    from benchmark.judging.judge import judge, read_faces
    data = tmp_path_factory.mktemp('marked') / 'data'
    write_landmark_dataset(data, dict(train=8, val=2, test=6), image_size=64, seed=3)
    return judge(checkpoint, read_faces(faces), (64, 64), landmarks=data)


def test_a_source_that_a_suite_made_of_a_cut_encoder_ends_where_that_ends(registered, tmp_path):
    from mmpose.registry import MODELS

    from benchmark.judging.judge import open_source, untrained
    network = dict(type='MobileNetV2', widen_factor=0.25)
    state = {f'backbone.{key}': value for key, value in MODELS.build(network).state_dict().items()}
    state |= {'classifier.weight': torch.zeros(3, 24), 'classifier.bias': torch.zeros(3)}
    path = tmp_path / 'cut.pth'
    torch.save(dict(meta=dict(arch=network | dict(taps=['layer2', 'layer3', 'layer5'])), state_dict=state), path)
    source, meta = open_source(path)
    assert source.taps == ('stage1', 'stage2', 'stage3', 'pooled', 'logits')
    for one in (source, untrained(meta, source)):
        assert one(torch.zeros(1, 3, 64, 64))['stage3'].shape == (1, 24, 4, 4)


def test_what_is_judged_is_the_pooled_features_by_themselves(found, faces, checkpoint):
    from benchmark.datasets.images import read_rgb
    from benchmark.judging.judge import open_source, read_faces
    known = read_faces(faces)
    assert len(known.paths) == 24 and len(set(known.clips)) == 12
    source, _ = open_source(checkpoint)
    images = np.stack([read_rgb(path, (64, 64)) for path in known.paths])
    pooled = source(torch.from_numpy(images).permute(0, 3, 1, 2).float())['pooled'].double().numpy()
    unit = pooled / np.linalg.norm(pooled, axis=1, keepdims=True)
    alike = unit @ unit.T
    pairs = [(first, second) for first in range(24) for second in range(first)]
    same = [alike[a, b] for a, b in pairs
            if known.identities[a] == known.identities[b] and known.clips[a] != known.clips[b]]
    other = [alike[a, b] for a, b in pairs if known.identities[a] != known.identities[b]]
    auc = np.mean([(one > another) + (one == another) / 2 for one in same for another in other])
    verification = found['trained']['verification']
    assert verification['auc'] == pytest.approx(auc, abs=1e-9)
    assert (verification['positives'], verification['negatives']) == (len(same), len(other)) == (24, 240)
    low, high = verification['intervals']['auc']
    assert low < auc < high
    assert found['gain']['auc'] == pytest.approx(auc - found['untrained']['verification']['auc'])


def test_every_stage_is_probed_for_landmarks(found):
    assert [*found['trained']['taps']] == [f'stage{number}' for number in (1, 2, 3, 4)]
    assert found['landmarks']['train_images'] == 8 and found['landmarks']['unit'] == '%'
    for tap in found['trained']['taps'].values():
        assert tap['interval'][0] <= tap['error'] <= tap['interval'][1]
    assert found['landmarks']['mean_shape'] > 0


def test_words(found):
    text = as_text(found)
    assert f'{found["trained"]["verification"]["auc"]:.3f} [' in text and 'random weights' in text
    assert 'named by a linear probe (chance 0.167)' in text and 'a linear probe of stage4' in text
    better = {**found, 'gain': dict(auc=0.2, interval=(0.1, 0.3))}
    assert knows(better).endswith('(chance 0.5): 0.200 [0.100, 0.300] more than the same network with random weights.')
    assert shortcoming(better) is None
    none = {**found, 'gain': dict(auc=0.01, interval=(-0.1, 0.1))}
    assert shortcoming(none).startswith('It is not settled whether the source knows more of faces than an untrained ne')
    less = {**found, 'gain': dict(auc=-0.1, interval=(-0.2, -0.01))}
    assert shortcoming(less).startswith('The source knows no more of faces than an untrained network (AUC 0.')
    assert knows(less).endswith('so it knows no more of faces than an untrained network.')
    assert 'synthetic, none of whom it was trained on' in knows({**better, 'people': 'synthetic'})
    alone = {name: value for name, value in found.items() if name not in ('gain', 'untrained')}
    assert knows(alone).endswith('(chance 0.5).') and 'is an untrained network' in shortcoming(alone)
    assert knows(none).endswith('so it is not settled whether it knows more of faces than an untrained network.')


def test_embeddings_that_are_not_finite_are_refused(faces):
    from benchmark.judging.judge import judge_faces, read_faces
    from benchmark.judging.verification import JudgingError, pairs_of
    known = read_faces(faces)
    with pytest.raises(JudgingError, match='not finite'):
        judge_faces(np.full((24, 3), np.nan), known, pairs_of(known.identities, known.clips))


def test_of_many_images_whole_people_are_taken(faces):
    from benchmark.judging.judge import read_faces, some_of
    known = read_faces(faces)
    val = some_of(known, 'val')
    assert len(val.paths) == 6 and set(val.split) == {'val'}
    some = some_of(known, most=10)
    assert len(some.paths) == 8 and len(set(some.identities)) == 2 and some == some_of(known, most=10)
    assert some_of(known, most=24) == known


def judge_source(*arguments):
    return command([ROOT / 'tools/judge_source.py', *arguments])


def test_the_command_writes_what_it_prints(faces, checkpoint, tmp_path):
    done = judge_source(checkpoint, faces, '--size', 64, 64, '--no-control', '--out', tmp_path / 'judged.json')
    assert done.returncode == 0, done.stderr
    written = json.loads((tmp_path / 'judged.json').read_text(encoding='utf-8'))
    assert done.stdout == as_text(written) + '\n' and 'untrained' not in written


@pytest.mark.parametrize(('edit', 'said'), [
    (lambda rows: [row for row in rows if row['label'] == '0'], 'shows one identity'),
    (lambda rows: [row for number, row in enumerate(rows) if number % 4 == 0], 'no two images of one identity'),
    (lambda rows: [{**row, 'clip': row['identity']} for row in rows], 'from different clips'),
])
def test_faces_on_which_nothing_can_be_judged(edit, said, faces, checkpoint, tmp_path):
    shutil.copytree(faces, root := tmp_path / 'some')
    rows = [{**row, 'split': 'train'} for row in csv.DictReader((root / 'index.csv').open(encoding='utf-8'))]
    with (root / 'index.csv').open('w', encoding='utf-8', newline='') as stream:
        writer = csv.DictWriter(stream, rows[0].keys())
        writer.writeheader()
        writer.writerows(edit(rows))
    done = judge_source(checkpoint, root, '--size', 64, 64, '--out', tmp_path / 'judged.json')
    assert done.returncode == 2 and done.stderr.startswith(f'error: {root}/index.csv: ') and said in done.stderr
    assert done.stderr.count('\n') == 1 and not (tmp_path / 'judged.json').exists()


def test_a_file_that_is_no_source(faces, tmp_path):
    (tmp_path / 'notes.pth').write_text('nothing')
    done = judge_source(tmp_path / 'notes.pth', faces)
    assert done.returncode == 2 and done.stderr.count('\n') == 1
    assert 'notes.pth: is no torch checkpoint' in done.stderr and 'weights_only' not in done.stderr
