"""tools/export.py: the file gives torch's landmarks, and is not written where it does not."""

import json
import os
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from forked import command

ROOT = Path(__file__).parents[2]
ENV = os.environ | dict(OMP_NUM_THREADS='1')
onnxruntime = pytest.importorskip('onnxruntime', reason='ONNX is not installed here (requirements/onnx.txt)')


@pytest.fixture(scope='module')
def ensemble(runs, tmp_path_factory):
    """The file of both seeds of FT, and what the command has said."""
    out = tmp_path_factory.mktemp('exported') / 'ft.onnx'
    done = command([ROOT / 'tools/export.py', runs.out, '--method', 'ft', '--out', out], ENV)
    assert done.returncode == 0, done.stderr
    return out, done.stdout


@pytest.fixture
def networks(registered, runs):
    """Loads both seeds of FT, laid out as in their tests or not."""
    from benchmark.detector.loaded import load_networks
    return lambda laid_out=False: load_networks([runs.folders['ft', seed] / 'network.pth' for seed in (0, 1)], 'cpu',
                                                laid_out)


def test_photographs_of_any_size_and_number_get_the_landmarks_of_predict(runs, ensemble, networks):
    from benchmark.detector.photographs import Reading, Source, read_photograph
    from benchmark.detector.predictor import Predictor
    session = onnxruntime.InferenceSession(ensemble[0])
    predictor, reading = Predictor(networks(True)), Reading((64, 64), 'squeeze')
    paths = [runs.images / image for image in runs.points('ft')]
    expected = predictor.predict([read_photograph(Source(path.name, path), reading) for path in paths])
    images = np.stack([cv2.imread(str(path))[..., ::-1] for path in paths])
    points, scores, heatmaps = session.run(None, {'images': images})
    assert heatmaps.shape == (len(paths), 14, 16, 16)
    for one, found, score in zip(expected, points, scores, strict=True):
        np.testing.assert_allclose(found, one.points, atol=1e-3)
        np.testing.assert_allclose(score, one.scores, atol=1e-5)
    # Twice as large, each pixel four times: the network sees the same.
    large = images.repeat(2, axis=1).repeat(2, axis=2)
    np.testing.assert_allclose(session.run(['points'], {'images': large})[0], 2 * points + 0.5, atol=2e-3)


def test_the_example_of_the_docs(runs, ensemble, tmp_path, monkeypatch, capsys):
    text = (ROOT / 'docs/detector.md').read_text()
    example, = (block for block in re.findall(r'```python\n(.*?)```', text, re.S) if 'onnxruntime' in block)
    monkeypatch.chdir(tmp_path)
    os.symlink(ensemble[0], 'ft.onnx')
    image = next(iter(runs.points('ft')))
    os.symlink(runs.images / image, 'a.jpg')
    exec(compile(example, 'docs/detector.md', 'exec'), {})
    printed = [line.split(',') for line in capsys.readouterr().out.splitlines()]
    session = onnxruntime.InferenceSession(str(ensemble[0]))
    expected = session.run(['points'], {'images': cv2.imread(str(runs.images / image))[None, ..., ::-1]})[0][0]
    np.testing.assert_allclose([[float(x), float(y)] for _, x, y, _ in printed], expected, atol=0.006)
    assert [row[0] for row in printed][:2] == ['exocanthion_r', 'endocanthion_r']


def test_the_file_says_what_it_is_and_not_where_it_was_made(runs, ensemble):
    about = onnxruntime.InferenceSession(ensemble[0]).get_modelmeta().custom_metadata_map
    record = json.loads((runs.folders['ft', 1] / 'record.json').read_text())
    assert json.loads(about['networks'])[1] == {'sha256': record['network']['sha256'], **{
        name: record[name] for name in ('method', 'condition', 'seed', 'hash', 'numerics', 'data')}}
    assert (about['channel_order'], about['resize'], about['decoding']) == ('rgb', 'squeeze', 'argmax')
    assert 'free to use' in json.loads(about['data'])['licence']
    assert 'the mean heatmaps of 2 networks (ft, seeds 0, 1)' in ensemble[1]
    content = ensemble[0].read_bytes()
    assert str(ROOT).encode() not in content and b'site-packages' not in content


def test_a_file_that_gives_other_landmarks_is_not_written(networks, tmp_path, monkeypatch):
    from benchmark.detector import exported
    graph = exported._graph

    def of_one_network(detector, about):
        detector.models = detector.models[:1]
        return graph(detector, about)

    monkeypatch.setattr(exported, '_graph', of_one_network)
    with pytest.raises(exported.DetectorError, match=r"landmarks lie up to \d.* px from torch's.*nothing was written"):
        exported.export(networks(), networks(True), tmp_path / 'ft.onnx')
    assert not [*tmp_path.iterdir()]


def test_bad_input_is_one_line(runs, tmp_path):
    cases = [((runs.out, '--method', 'ft', '--out', tmp_path / 'ft.pt'), 'give a file that ends in .onnx'),
             ((runs.out, '--out', tmp_path / 'ft.onnx'), 'several methods. Say which: --method ft | ctd_com | ema'),
             ((runs.out, '--method', 'ft', '--seeds', 'all', '--out', tmp_path / 'ft.onnx'), '--seeds all: give numb'),
             ((tmp_path, '--out', tmp_path / 'ft.onnx'), 'no run below it')]
    for arguments, message in cases:
        done = command([ROOT / 'tools/export.py', *arguments], ENV)
        assert done.returncode == 2 and message in done.stderr and len(done.stderr.splitlines()) == 1, done.stderr


def test_a_package_that_is_missing_is_named(networks, tmp_path, monkeypatch):
    from benchmark.detector import exported
    monkeypatch.setattr(exported, 'find_spec', lambda name: None if name == 'onnxscript' else name)
    with pytest.raises(exported.DetectorError, match=r'onnxscript is not installed.*-r requirements/onnx\.txt'):
        exported.export(networks(), networks(True), tmp_path / 'ft.onnx')


def test_what_decodes_in_a_way_of_its_own_is_refused(networks):
    from benchmark.detector.traced import Detector, DetectorError
    first, second = networks()
    second.model.test_cfg['flip_test'] = True
    with pytest.raises(DetectorError, match=f"{second.path}: it is tested on mirrored images too .flip_test., so"):
        Detector([first, second])


def test_letterboxed_photographs_and_landmarks_that_were_never_learnt(networks, tmp_path):
    import torch

    from benchmark.detector.photographs import Reading, Source, read_photograph
    from benchmark.detector.predictor import Predictor
    from benchmark.detector.traced import Detector
    found, laid_out = networks(), networks(True)
    found[0].meta['dataset']['resize'] = 'letterbox'
    found[1].meta['run']['untrained'] = [found[0].scheme.landmarks[3]]
    image = cv2.resize(np.random.default_rng(0).integers(0, 256, (5, 5, 3), np.uint8), (64, 33))
    cv2.imwrite(str(tmp_path / 'a.png'), image)
    photograph = read_photograph(Source('a.png', tmp_path / 'a.png'), Reading((64, 64), 'letterbox'))
    expected, = Predictor(laid_out).predict([photograph])
    expected.points[3] = np.nan
    with torch.inference_mode():
        points, scores, _ = Detector(found).eval()(torch.from_numpy(image[None, ..., ::-1].copy()))
    np.testing.assert_allclose(points[0].numpy(), expected.points, atol=1e-3)
    np.testing.assert_allclose(scores[0].numpy(), expected.scores, atol=1e-5)


@pytest.mark.parametrize('decoding', ['argmax', 'quarter', 'dark'])
def test_decoding_is_the_codec_s(networks, decoding):
    import torch

    from benchmark.detector.traced import Detector
    found = networks()
    codec = found[0].model.head.decoder = found[0].model.head.decoder.decodings()[decoding]
    rng = np.random.default_rng(0)
    heatmaps = np.stack([codec.encode(rng.uniform(-4, 68, (1, 14, 2)))['heatmaps'] for _ in range(20)])
    heatmaps = (heatmaps + rng.normal(0, 0.01, heatmaps.shape)).astype(np.float32)
    heatmaps[0, 0] = 0
    heatmaps[0, 1, 3, 3] = np.nan
    points, scores = Detector(found).decoded(torch.from_numpy(heatmaps))
    for one, point, score in zip(heatmaps, points.numpy(), scores.numpy(), strict=True):
        expected, maxima = codec.decode(one)
        np.testing.assert_allclose(point, expected[0], atol=1e-3)
        np.testing.assert_array_equal(score, maxima[0])


@pytest.mark.parametrize('resize', ['squeeze', 'letterbox'])
def test_resizing_is_opencv_s_but_for_a_grey_level(networks, resize):
    import torch

    from benchmark.datasets.landmarks import fitted, geometry
    from benchmark.detector.traced import Detector
    detector = Detector(networks())
    detector.resize, detector.input_size = resize, (64, 48)
    rng = np.random.default_rng(0)
    for width, height in [(64, 48), (128, 96), (301, 207), (40, 30), (31, 200), (200, 31), (64, 200), (300, 48),
                          (50, 100), (63, 47)]:
        image = cv2.resize(rng.integers(0, 256, (9, 9, 3), np.uint8), (width, height))
        with torch.inference_mode():
            inputs, frame, before = detector.inputs(torch.from_numpy(image[None]))
        expected = fitted(image, (64, 48), resize)
        assert np.abs(inputs[0].numpy().transpose(1, 2, 0) - expected).max() <= 1, (width, height)
        _, scale, padding = geometry((width, height), (64, 48), resize)
        assert ([*map(float, frame)], [*map(float, before)]) == (scale.tolist(), padding.tolist())
