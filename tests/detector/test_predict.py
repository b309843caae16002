"""tools/predict.py: the test's coordinates, ensembles, resume, and what it refuses."""

import csv
import json
import os
import shutil
import signal
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from forked import command, start

ROOT = Path(__file__).parents[2]
ENV = os.environ | dict(OMP_NUM_THREADS='1')


def predict(*arguments):
    return command([ROOT / 'tools/predict.py', *arguments], ENV)


def points_of(out):
    """Image -> landmarks (K, 2)."""
    found = {}
    with open(out / 'landmarks.csv', newline='') as file:
        for row in csv.DictReader(file):
            found.setdefault(row['image'], []).append((float(row['x']), float(row['y'])))
    return {image: np.array(points) for image, points in found.items()}


@pytest.fixture
def tested(runs, tmp_path):
    """The test's images, in a folder of their own."""
    folder = tmp_path / 'tested'
    folder.mkdir()
    for image in runs.points('ft'):
        shutil.copy(runs.images / image, folder / image)
    return folder


def test_a_copied_network_gives_the_test_s_coordinates_and_tables(runs, tested, tmp_path):
    kept, out = runs.copied('ctd_com', tmp_path / 'copied'), tmp_path / 'out'
    (tested / 'empty.png').touch()
    (tested / 'cut.jpg').write_bytes(b'\xff\xd8\xff\xe0 no more')
    done = predict(kept / 'network.pth', tested, '--out', out)
    assert done.returncode == 1, done.stderr
    assert done.stdout.count('no landmarks: ') == 2 and 'no landmarks: empty.png' in done.stdout
    found, expected = points_of(out), runs.points('ctd_com')
    assert found.keys() == expected.keys()
    for image, points in expected.items():
        np.testing.assert_allclose(found[image], points, atol=5e-5)
        assert cv2.imread(str(out / 'pictures' / f'{image}.jpg')).shape == (64, 64, 3)
    coco = json.loads((out / 'landmarks.coco.json').read_text())
    first = {entry['id']: entry['file_name'] for entry in coco['images']}
    for one in coco['annotations']:
        np.testing.assert_allclose(np.reshape(one['keypoints'], (-1, 3))[:, :2], found[first[one['image_id']]])
    rows = list(csv.DictReader(open(out / 'measurements.csv', newline='')))
    row = next(row for row in rows if row['measurement'] == 'nose width')
    ends = found[row['image']][[6, 8]]
    assert float(row['pixels']) == pytest.approx(np.linalg.norm(ends[0] - ends[1]), abs=1e-3)
    page = (out / 'index.html').read_text()
    assert 'Without landmarks: 2' in page and all(image in page for image in found)
    # Nothing is predicted twice; what can be read now is.
    cv2.imwrite(str(tested / 'empty.png'), np.zeros((30, 20, 3), np.uint8))
    again = predict(kept / 'network.pth', tested, '--out', out)
    assert f'{len(expected)} of {len(expected) + 2} photographs are done already' in again.stdout
    assert len((out / 'predictions.jsonl').read_text().splitlines()) == len(expected) + 4


def test_an_ensemble_is_the_mean_of_heatmaps(runs, tested, tmp_path, registered):
    from mmengine.dataset import pseudo_collate
    from mmpose.apis import init_model
    done = predict(runs.out, tested, '--method', 'ft', '--out', tmp_path / 'out')
    assert done.returncode == 0, done.stderr
    assert 'the mean heatmaps of 2 networks (ft, seeds 0, 1)' in done.stdout
    image, points = next(iter(points_of(tmp_path / 'out').items()))
    maps = []
    for seed in (0, 1):
        folder = runs.folders['ft', seed]
        model = init_model(str(folder / 'detector.py'), str(folder / 'network.pth'), device='cpu')
        model.test_cfg['output_heatmaps'] = True
        from mmengine.dataset import Compose
        sample = Compose(model.cfg.test_dataloader.dataset.pipeline)(
            dict(img_path=str(tested / image), **model.dataset_meta))
        maps.append(model.test_step(pseudo_collate([sample]))[0].pred_fields.heatmaps.numpy())
    mean = np.mean(maps, axis=0)
    peaks = np.array([np.unravel_index(one.argmax(), one.shape)[::-1] for one in mean])
    np.testing.assert_allclose(points, peaks * 4.0, atol=1e-3)


def test_what_is_no_detector_or_not_said_which(runs, tested, tmp_path):
    out = ('--out', tmp_path / 'out')
    bare = tmp_path / 'bare'
    shutil.copytree(runs.folders['ft', 0], bare)
    changed = bytearray((bare / 'network.pth').read_bytes())
    changed[-1] ^= 1
    (bare / 'network.pth').write_bytes(changed)
    cases = [((runs.out, tested, *out), 'several methods. Say which: --method ft | ctd_com | ema'),
             ((runs.out, tested, '--method', 'hg', *out), '--method hg: '),
             ((runs.out, tested, '--method', 'ft', '--seeds', '7', *out), '--seeds: 7 is none of 0, 1'),
             ((tmp_path / 'none', tested, *out), 'none: no such folder'), ((tested, tested, *out), 'no run below it'),
             ((bare, tested, *out), 'does not match the checksum'),
             ((runs.folders['ft', 0], tmp_path / 'none', *out), 'none: no such file'),
             ((runs.folders['ft', 0], tested, '--boxes', 'b.csv', *out), 'b.csv: no such file'),
             ((runs.folders['ft', 0], tested, '--out', tested), 'holds no prediction'),
             ((runs.folders['ft', 0], tested, '--device', 'nonsense', *out), '--device nonsense')]
    for arguments, message in cases:
        done = predict(*arguments)
        assert done.returncode == 2 and message in done.stderr and len(done.stderr.splitlines()) == 1, done.stderr
    (bare / 'network.pth').unlink()
    done = predict(bare, tested, *out)
    assert done.returncode == 2 and 'has kept no network' in done.stderr
    assert not (tmp_path / 'out').exists()


def test_another_prediction_is_refused_and_seeds_without_a_network_are_told(runs, tested, tmp_path):
    copied = tmp_path / 'copied'
    for seed in (0, 1):
        shutil.copytree(runs.folders['ft', seed], copied / runs.folders['ft', seed].relative_to(runs.out))
    plan = json.loads((runs.out / 'plan.json').read_text())
    (copied / 'plan.json').write_text(json.dumps(plan | dict(runs=[r for r in plan['runs'] if r['method'] == 'ft'])))
    (copied / runs.folders['ft', 1].relative_to(runs.out) / 'network.pth').unlink()
    done = predict(copied, tested, '--out', tmp_path / 'out')
    assert done.returncode == 0 and '1 of 2 seeds have a network; there is none of 1' in done.stdout
    done = predict(runs.folders['ft', 1], tested, '--out', tmp_path / 'out')
    assert done.returncode == 2 and 'holds another prediction (networks differs)' in done.stderr


def test_an_interrupt_keeps_what_is_done(runs, tested, tmp_path):
    out = tmp_path / 'out'
    for number in range(600):
        shutil.copy(next(tested.glob('*.png')), tested / f'more-{number}.png')
    argv = [ROOT / 'tools/predict.py', runs.folders['ft', 0], tested, '--out', out, '--batch-size', '2']
    process = start(argv, ENV)
    while not (out / 'predictions.jsonl').exists():
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    said = process.communicate(timeout=120)
    assert process.returncode == 130 and 'photographs are left; the same command goes on' in said[1]
    before = points_of(out)
    assert 2 <= len(before) < 606 and 'still to be predicted' in (out / 'index.html').read_text()
    with open(out / 'predictions.jsonl', 'a') as file:
        file.write('{"image": "cut sho')
    done = command([*argv, '--picture-size', '0'], ENV)
    assert done.returncode == 0 and f'{len(before)} of 606 photographs are done already' in done.stdout
    after = points_of(out)
    assert len(after) == 606 and all((after[image] == points).all() for image, points in before.items())
