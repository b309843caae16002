"""Regions of predictions: what a run keeps of its validation images, radii in tables and pictures, refusals."""

import csv
import json
import os
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from forked import command

ROOT = Path(__file__).parents[2]
ENV = os.environ | dict(OMP_NUM_THREADS='1')


def predict(*arguments):
    return command([ROOT / 'tools/predict.py', *arguments], ENV)


def rows(out, *columns):
    with open(out / 'landmarks.csv', newline='') as file:
        return np.array([[float(row[name]) for name in columns] for row in csv.DictReader(file)])


@pytest.fixture
def validated(runs, tmp_path):
    """The validation images, in a folder of their own, in the order of a prediction."""
    folder = tmp_path / 'validation'
    folder.mkdir()
    for entry in json.loads((runs.images.parent / 'annotations/val.json').read_text())['images']:
        shutil.copy(runs.images / entry['file_name'], folder / entry['file_name'])
    return folder


def errors_of(runs, points):
    """Errors (V, K) of predictions, by the annotations, in pixels of an image as large as the input."""
    content = json.loads((runs.images.parent / 'annotations/val.json').read_text())
    names = {entry['id']: entry['file_name'] for entry in content['images']}
    truth = {names[one['image_id']]: np.reshape(one['keypoints'], (-1, 3))[:, :2] for one in content['annotations']}
    expected = np.array([truth[name] for name in sorted(truth)])
    return np.linalg.norm(points.reshape(expected.shape) - expected, axis=-1)


def test_radii_are_the_ranked_errors_of_the_validation_images(runs, validated, tmp_path):
    done = predict(runs.folders['ft', 0], validated, '--out', tmp_path / 'out')
    assert done.returncode == 0 and 'calibrated on 12 of these; by their luck, 90 of 100' in done.stdout, done.stderr
    errors = errors_of(runs, rows(tmp_path / 'out', 'x', 'y'))
    # ceil(.9 * 13) = 12 of 12.
    radius, together = rows(tmp_path / 'out', 'radius', 'radius_all').reshape(12, -1, 2).transpose(2, 0, 1)
    np.testing.assert_allclose(radius, np.broadcast_to(errors.max(0), radius.shape), atol=2e-4)
    np.testing.assert_allclose(together, errors.max(), atol=2e-4)
    kept = json.loads((runs.folders['ft', 0] / 'validation.json').read_text())
    np.testing.assert_allclose(kept['errors'], errors, atol=1e-3)
    assert kept['images'] == sorted(path.name for path in validated.iterdir()) and kept['landmarks'][4] == 'nasion'
    lower = predict(runs.folders['ft', 0], validated, '--coverage', '.5', '--out', tmp_path / 'lower')
    assert '32 to 75 %' in lower.stdout
    np.testing.assert_allclose(rows(tmp_path / 'lower', 'radius').reshape(12, -1)[0], np.sort(errors, 0)[6], atol=2e-4)
    # Twice the photograph has twice the radii, and circles are drawn.
    double = tmp_path / 'double.png'
    first = sorted(validated.iterdir())[0]
    cv2.imwrite(str(double), cv2.resize(cv2.imread(str(first)), None, fx=2, fy=2))
    assert predict(runs.folders['ft', 0], double, '--out', tmp_path / 'doubled').returncode == 0
    np.testing.assert_allclose(rows(tmp_path / 'doubled', 'radius')[:, 0], 2 * radius[0], atol=2e-4)
    bare = predict(runs.folders['ema', 0], double, '--coverage', '.5', '--out', tmp_path / 'doubled')
    assert bare.returncode == 2 and 'holds another prediction' in bare.stderr


def test_an_ensemble_is_calibrated_by_its_own_predictions(runs, validated, tmp_path):
    done = predict(runs.out, validated, '--method', 'ctd_com', '--out', tmp_path / 'out')
    assert done.returncode == 0, done.stderr
    errors = errors_of(runs, rows(tmp_path / 'out', 'x', 'y'))
    radius = rows(tmp_path / 'out', 'radius').reshape(12, -1)
    np.testing.assert_allclose(radius, np.broadcast_to(errors.max(0), radius.shape), atol=2e-4)


def test_the_circle_is_drawn_where_it_is(tmp_path):
    from benchmark.detector.pages import draw
    plain, with_circle = np.zeros((80, 120, 3), np.uint8), np.zeros((80, 120, 3), np.uint8)
    # A photograph of 240 x 160 whose pixels count 1 across and 2 down.
    points = np.array([[100.0, 80]])
    draw(tmp_path, 'plain', plain, points, (240, 160))
    draw(tmp_path, 'circle', with_circle, points, (240, 160), [30.0], (1.0, 2.0))
    where = np.argwhere((plain != with_circle).any(-1))
    assert where[:, 1].min() == pytest.approx(50 - 15, abs=3) and where[:, 1].max() == pytest.approx(50 + 15, abs=3)
    assert where[:, 0].min() == pytest.approx(40 - 7.5, abs=4) and where[:, 0].max() == pytest.approx(40 + 7.5, abs=4)
    again = np.zeros((80, 120, 3), np.uint8)
    draw(tmp_path, 'none', again, points, (240, 160), [None])
    assert (again == plain).all()


def test_what_has_no_regions(runs, validated, tmp_path, registered):
    import torch
    copied = tmp_path / 'copied'
    for seed in (0, 1):
        (copied / str(seed)).mkdir(parents=True)
        shutil.copy(runs.folders['ft', seed] / 'network.pth', copied / str(seed) / 'network.pth')

    def changed(change):
        content = torch.load(runs.folders['ft', 1] / 'network.pth', weights_only=True)
        change(content)
        torch.save(content, copied / '1/network.pth')

    cases = [(lambda c: None, '.95', '--coverage 0.95: 12 validation images, one a subject, can promise at most 92.3'),
             (lambda c: c.pop('validation'), '.9', 'regions take a training on data with some. Leave it out.'),
             (lambda c: c['validation']['images'].reverse(), '.9', 'has other validation images than'),
             (lambda c: c['validation'].update(heatmaps=None), '.9', 'has kept no heatmaps')]
    for change, coverage, said in cases:
        changed(change)
        out = ('--out', tmp_path / 'out')
        done = predict(copied, validated, '--coverage', coverage, *out)
        assert done.returncode == 2 and said in done.stderr and len(done.stderr.splitlines()) == 1, done.stderr
    assert not (tmp_path / 'out').exists()
    # Nobody asked for a coverage: it is said, and columns are empty.
    done = predict(copied, validated, *out)
    assert done.returncode == 0 and 'note: no regions: ' in done.stdout
    assert (tmp_path / 'out/landmarks.csv').read_text().splitlines()[1].endswith(',,')
    assert 'no regions' in (tmp_path / 'out/index.html').read_text()
    done = predict(copied, validated, '--coverage', '90', *out)
    assert done.returncode == 2 and '--coverage 90: give a share between 0 and 1' in done.stderr


def test_subjects_and_what_validation_has_chosen_are_told(runs, registered, tmp_path):
    import torch

    from benchmark.detector.loaded import load_networks
    from benchmark.detector.regions import circles
    path = tmp_path / 'network.pth'
    content = torch.load(runs.folders['ft', 0] / 'network.pth', weights_only=True)
    content['validation'].update(subjects=[f's{number // 2}' for number in range(12)], chose='epoch')
    content['meta']['run']['untrained'] = ['nasion']
    torch.save(content, path)
    networks = load_networks([path], 'cpu')
    found = circles(networks, 0.8)
    text, all_of_it = found.in_words({'nasion'}), found.in_words(set())
    assert 'calibrated on 12 of these (6 subjects)' in text and 'They have also chosen the epoch' in text
    assert 'No circle' not in text and 'No circle, as too few validation images have it: nasion.' in all_of_it
    each, _ = found.radii(np.full(14, 0.5), None, 2.0)
    assert each[4] is None and each[5] == 2 * found.regions.each[5]
    assert circles(networks, None).startswith('no regions: 6 validation images, one a subject, can promise at most 85')


def test_heatmaps_are_kept_up_to_a_bound_by_names_alone(registered, monkeypatch):
    import torch

    from benchmark.detector import validated
    from benchmark.experiments.plan.sizes import HEATMAP_BYTES
    assert HEATMAP_BYTES == validated.MOST_BYTES
    monkeypatch.setattr(validated, 'MOST_BYTES', 3 * 4 * 2 * 5 * 5)
    maps = {}
    for turn in (1, -1):
        kept = validated.Maps()
        names = [f'{number}.png' for number in range(9)][::turn]
        for name in names:
            kept.add(name, torch.full((2, 5, 5), float(name[0])), 2)
        assert all((one == float(names[place][0])).all() for place, one in kept.kept.items())
        maps[turn] = {names[place] for place in kept.kept}
    assert maps[1] == maps[-1] and len(maps[1]) == 3
    kept.add('more.png', None, 2)
    assert not kept.kept
