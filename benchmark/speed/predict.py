"""Photographs a second of ``tools/predict.py`` beside a loop of MMPose's ``inference_topdown``, in turn."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from mmengine.registry import init_default_scope
from mmpose.apis import inference_topdown, init_model
from mmpose.datasets.datasets.utils import parse_pose_metainfo
from mmpose.registry import MODELS

from benchmark.datasets.prepared import load_scheme
from benchmark.detector.journal import Journal
from benchmark.detector.kept import DETECTOR, NETWORK, keep_network
from benchmark.detector.loaded import load_network
from benchmark.detector.pages import write_page
from benchmark.detector.photographs import Reading, find_photographs
from benchmark.detector.predictor import Predictor
from benchmark.detector.tables import write_tables
from benchmark.detector.work import default_batch, predict_all
from benchmark.models.ctd_estimator import plain_model
from benchmark.utils.machine import threads

from .contestants import Size, config, make_inputs
from .table import Measurement

#: That of the suite ``demo``; its photographs are as large as its input.
SIZE = Size(18, 128, 8, 192, width=32, decoder=64)
QUICK = Size(18, 64, 4, 6, width=8, decoder=8)
AT_LEAST = 3.0


def measure(repeats: int, quick: bool, clock: Callable[[], float]) -> list[Measurement]:
    """Measure a network with random weights on made faces: all of ``tools/predict.py`` after it is loaded, with tables,
    pictures and page; the loop; and the network's arithmetic alone.

    Args:
        repeats: Rounds, each with one of either; the first round comes twice and counts once.
        quick: A tiny network without a target.
        clock: Seconds.
    """
    size, target = (QUICK, {}) if quick else (SIZE, dict(at_least=AT_LEAST))
    with tempfile.TemporaryDirectory() as folder:
        contestants, count = _contestants(Path(folder), size)
        seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in contestants}
        for turn in range(repeats + 1):
            for name in [*contestants][::-1 if turn % 2 else 1]:
                torch.set_num_threads(threads())
                began = clock(), time.process_time()
                contestants[name]()
                seconds[name].append((clock() - began[0], time.process_time() - began[1]))
    where = f'{size.name}, {threads()} thread{"s" * (threads() > 1)}'
    wall, processor = ({name: [one[kind] for one in own[1:]] for name, own in seconds.items()} for kind in (0, 1))

    def ratio(own: dict[str, list[float]], above: str, below: str) -> list[float]:
        return [a / b for a, b in zip(own[above], own[below], strict=True)]

    return [
        Measurement.of(f'predict beside inference_topdown, photographs a second ({where})',
                       ratio(wall, 'loop', 'predict'), 'x', **target),
        Measurement.of('the same in processor time', ratio(processor, 'loop', 'predict'), 'x'),
        Measurement.of("the network's own arithmetic, share of predict's processor time",
                       ratio(processor, 'network', 'predict'), ''),
        Measurement.of('predict', [count / one for one in wall['predict']], 'photographs/s'),
        Measurement.of('inference_topdown', [count / one for one in wall['loop']], 'photographs/s')]


def _contestants(folder: Path, size: Size) -> tuple[dict[str, Callable[[], None]], int]:
    """What is timed, by name, and the number of photographs."""
    place = kept_network(folder, size)
    files = find_photographs([folder / 'faces' / 'images'])
    network = load_network(place / NETWORK, 'cpu')
    model = init_model(str(place / DETECTOR), str(place / NETWORK), device='cpu')
    batch = default_batch(network)

    def predict() -> None:
        with tempfile.TemporaryDirectory() as inside:
            out = Path(inside)
            journal = Journal(out)
            predict_all(Predictor([network]), files, Reading(network.input_size, network.resize, picture=640), out,
                        journal, batch, threads(), lambda: False, lambda line: None)
            names = [source.name for source in files]
            write_tables(out, network.scheme, names, journal.lines)
            write_page(out, '', names, journal.lines, True)

    def loop() -> None:
        for source in files:
            inference_topdown(model, str(source.path))

    @torch.inference_mode()
    def arithmetic() -> None:
        width, height = network.input_size
        inputs = torch.randn(batch, 3, height, width)
        for start in range(0, len(files), batch):
            part = inputs[:len(files) - start]
            network.model.head.forward(network.model.extract_feat(part))

    return dict(predict=predict, loop=loop, network=arithmetic), len(files)


def kept_network(folder: Path, size: Size) -> Path:
    """Makes faces in ``folder/faces`` and keeps a network with random weights as a run does; its folder."""
    data, source = make_inputs(folder, size)
    cfg = config('ft', size, data, source, 1)
    init_default_scope('mmpose')
    torch.manual_seed(0)
    model = MODELS.build(plain_model(cfg.model.to_dict()))
    model.init_weights()
    place = folder / 'run'
    place.mkdir()
    entry = dict(method='ft', condition='all', seed=0)
    keep_network(place, cfg, model.state_dict(), parse_pose_metainfo(load_scheme(data).to_mmpose()), entry)
    return place
