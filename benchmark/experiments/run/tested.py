"""The test of a trained network, and the files that a run leaves beside its result."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from mmengine.runner import Runner

from benchmark.engine.unwrap import unwrapped
from benchmark.evaluation import OtherDecodings
from benchmark.models.checkpoint import CheckpointError, read_checkpoint
from benchmark.utils.files import atomic_path, file_digest

from .damaged import DamagedCheckpoint


def ask_for_heatmaps(model: torch.nn.Module) -> None:
    """Makes a network give its heatmaps beside its predictions; said here, as it decides nothing that a run learns."""
    options = getattr(unwrapped(model), 'test_cfg', None)
    if isinstance(options, dict):
        options['output_heatmaps'] = True


def other_decodings(runner: Runner) -> OtherDecodings:
    """Puts behind the test's metrics the one that decodes the same heatmaps otherwise; no config names it."""
    metrics = runner.test_evaluator.metrics
    metrics.append(OtherDecodings(metrics[0], getattr(getattr(unwrapped(runner.model), 'head', None), 'decoder', None)))
    return metrics[-1]


def as_json(content: dict) -> bytes:
    return f'{json.dumps(content, allow_nan=False)}\n'.encode()


def write_files(place: Path, contents: dict[str, bytes | None]) -> dict[str, str]:
    """Writes what a run leaves beside its result; gives each file's digest, for the record."""
    contents = {name: content for name, content in contents.items() if content is not None}
    for name, content in contents.items():
        with atomic_path(place / name) as temporary:
            temporary.write_bytes(content)
    return {name: file_digest(place / name) for name in contents}


def load_best(runner: Runner, path: Path) -> None:
    """Loads the weights of the best epoch; nothing in the file is executed."""
    try:
        checkpoint = read_checkpoint(path)
    except CheckpointError as error:
        raise DamagedCheckpoint(str(error)) from error
    runner.call_hook('after_load_checkpoint', checkpoint=checkpoint)
    runner.model.load_state_dict(checkpoint['state_dict'])
