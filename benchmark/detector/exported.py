"""ONNX files of detectors: written only after ONNX Runtime has given what the networks give in torch."""

from __future__ import annotations

import json
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch

import benchmark
from benchmark.utils.files import digest, write_bytes

from .loaded import DetectorError, Network, untrained_by_any
from .photographs import Photograph, Reading, Source, read_photograph
from .predictor import Predictor
from .traced import Detector

#: Versions of the operators and of the file's form, both those of ONNX 1.13 (2022).
OPSET, FORM = 18, 8
#: How far a landmark may lie from torch's, in pixels of the network's input.
SAME = 1e-3
#: Two places of a heatmap whose values differ by no more than this share of the peak are both its maximum.
TIE = 1e-5
#: The check's pictures of the input's size, and the sides of others in its units.
CHECKED, OTHERS = 8, ((1.0, 2.0), (2.5, 1.7), (0.6, 0.8), (1.6, 0.7))
NEEDED = ('onnx', 'onnxscript', 'onnxruntime')


class Checked(NamedTuple):
    """What the check of a file has found.

    Attributes:
        landmarks: Landmarks that were compared.
        furthest: Largest distance from torch's, in input pixels.
        tied: Landmarks whose heatmap has two maxima of one height, of which ONNX Runtime took the other.
        levels: Largest difference of resized pixels from OpenCV's, in grey levels.
    """

    landmarks: int
    furthest: float
    tied: int
    levels: int


def export(networks: Sequence[Network], reference: Sequence[Network], out: Path) -> Checked:
    """Writes a file, if it gives what the networks give.

    Args:
        networks: Loaded without a layout of their weights.
        reference: The same, laid out as in the runs' tests.
        out: The file.

    Raises:
        DetectorError: What it needs is not installed, a network can't be exported, or the check failed.
    """
    for name in NEEDED:
        if find_spec(name) is None:
            raise DetectorError(f'{name} is not installed. Install it: pip install -r requirements/onnx.txt')
    detector = Detector(networks).eval()
    content = _graph(detector, describe(networks))
    checked = check(content, detector, reference)
    write_bytes(out, content)
    return checked


def describe(networks: Sequence[Network]) -> dict[str, str]:
    """What a file says of itself: its ``metadata_props``, each a text or JSON."""
    first = networks[0]
    width, height = first.input_size
    codec = first.model.head.decoder
    untrained = untrained_by_any(networks)
    cut = first.meta['crop']
    found: dict[str, Any] = dict(
        landmarks=list(first.scheme.landmarks), input_size=[width, height], heatmap_size=list(codec.heatmap_size),
        channel_order='rgb', resize=first.resize, decoding=codec.decoding,
        images='uint8 (batch, height, width, 3), RGB, 0..255, any height and width: resizing and normalisation are '
               'inside',
        points='x, y in pixels of the image; x = 0 is the centre of the first pixel',
        scores="the peak of each landmark's heatmap; no probability",
        networks=[dict(network.meta['run'], sha256=network.sha256) for network in networks],
        data=dict(name=first.scheme.name, licence=first.scheme.licence),
        source=next((network.meta['source'] for network in networks if network.meta.get('source')), None),
        made_by=f'landmark-benchmark {benchmark.__version__}')
    if untrained:
        found['never_learnt'] = sorted(untrained)
    if cut:
        found['cut_out'] = cut
    return {key: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            for key, value in found.items()}


def _graph(detector: Detector, about: dict[str, str]) -> bytes:
    """The file's content."""
    import onnx
    width, height = detector.input_size
    any_size = {axis: torch.export.Dim(name, min=1) for axis, name in enumerate(('batch', 'height', 'width'))}
    example = torch.zeros((2, height + 3, width + 5, 3), dtype=torch.uint8)
    with warnings.catch_warnings(), _quiet():
        warnings.simplefilter('ignore')
        program = torch.onnx.export(detector, (example,), dynamo=True, dynamic_shapes=(any_size,), opset_version=OPSET,
                                    input_names=['images'], output_names=['points', 'scores', 'heatmaps'],
                                    verbose=False)
    model = program.model_proto
    graph = model.graph
    # Each of them says where in which file on this machine it was written.
    for part in (graph, *graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer):
        del part.metadata_props[:]
        part.doc_string = ''
    model.ir_version = FORM
    model.producer_name, model.producer_version = 'landmark-benchmark', benchmark.__version__
    onnx.helper.set_model_props(model, about)
    onnx.checker.check_model(model)
    return model.SerializeToString()


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what the exporter logs of packages that it does not need."""
    import logging
    logger = logging.getLogger('torch.onnx')
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


def check(content: bytes, detector: Detector, reference: Sequence[Network]) -> Checked:
    """Runs a file beside torch on made pictures.

    Of the input's size it is held to :class:`.predictor.Predictor`, what ``tools/predict.py`` gives; of other sizes to
    the same graph in torch, whose resizing is held to OpenCV's: that rounds by rules of its own, so a grey level is
    granted.

    Raises:
        DetectorError: A landmark lies elsewhere, or a pixel is another.
    """
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(content, options, providers=['CPUExecutionProvider'])
    reading = Reading(detector.input_size, detector.resize)
    rng = np.random.default_rng(int(digest([network.sha256 for network in reference])[:8], 16))
    distances, tied, levels = [], 0, 0
    for count, factors in ((CHECKED, (1.0, 1.0)), *((2, factors) for factors in OTHERS)):
        width, height = (round(side * factor) for side, factor in zip(detector.input_size, factors, strict=True))
        images = np.stack([_picture(rng, width, height) for _ in range(count)])
        points, scores, _ = session.run(None, {'images': images})
        with torch.inference_mode():
            expected, _, heatmaps = (value.numpy() for value in detector(torch.from_numpy(images)))
            inputs = detector.inputs(torch.from_numpy(images))[0].permute(0, 2, 3, 1).numpy()
        photographs = [_photograph(image, reading) for image in images]
        for one, photograph in zip(inputs, photographs, strict=True):
            levels = max(levels, int(np.abs(one - photograph.entry['img']).max()))
        if factors == (1.0, 1.0):
            expected = np.stack([one.points for one in Predictor(reference).predict(photographs)])
        known = ~detector.unknown.numpy()
        apart = np.abs(points - expected)[:, known].max(-1) / max(1.0, *factors)
        highest = np.sort(heatmaps[:, known].reshape(*apart.shape, -1), -1)
        level = (highest[..., -1] - highest[..., -2] <= TIE * np.abs(highest[..., -1])) & ~(apart <= SAME)
        tied += int(level.sum())
        distances.append(np.where(level, 0.0, apart).ravel())
    found = np.concatenate(distances)
    if not (found <= SAME).all() or levels > 1:
        raise DetectorError(f"the exported network's landmarks lie up to {found.max():.3g} px from torch's, its pixels "
                            f"up to {levels} grey levels from OpenCV's: nothing was written. Use tools/predict.py.")
    return Checked(len(found), float(found.max()), tied, levels)


def _picture(rng: np.random.Generator, width: int, height: int) -> np.ndarray:
    """A picture (height, width, 3) uint8 with structure of all sizes."""
    picture = np.zeros((height, width, 3))
    for cells in (2, 5, 11, 23):
        coarse = rng.normal(0, 40, (cells, cells, 3))
        picture += cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.clip(128 + picture, 0, 255).astype(np.uint8)


def _photograph(image: np.ndarray, reading: Reading) -> Photograph:
    """A picture (height, width, 3), RGB, read from a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'picture.png'
        path.write_bytes(cv2.imencode('.png', image[..., ::-1])[1].tobytes())
        return read_photograph(Source(path.name, path), reading)
