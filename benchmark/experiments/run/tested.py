"""The test of a trained network, and the files that a run leaves beside its result."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.runner import Runner

from benchmark.detector.validated import validate
from benchmark.engine.unwrap import unwrapped
from benchmark.evaluation import LandmarkErrorMetric, OtherDecodings
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


def validated(runner: Runner, cfg: Config, state: dict[str, torch.Tensor], chosen: bool) -> dict[str, Any] | None:
    """What the tested network says of the validation images; None where there are none or the metric is another one.

    Args:
        runner: After its test; its model has these weights afterwards.
        cfg: The run's config.
        state: The weights that were tested.
        chosen: Whether it is one of several trials, chosen by these images.
    """
    if cfg.get('val_dataloader') is None or not isinstance(runner.test_evaluator.metrics[0], LandmarkErrorMetric):
        return None
    model = unwrapped(runner.model)
    model.load_state_dict(state)
    best = cfg.default_hooks.get('checkpoint', {}).get('save_best')
    return dict(validate(model, runner.build_dataloader(cfg.val_dataloader)),
                chose='trial' if chosen else 'epoch' if best else None)


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


def parameters(model: torch.nn.Module) -> dict[str, int]:
    """Numbers of a network, ``total`` and ``trained``, without those of its source."""
    target = [(n, p) for n, p in model.named_parameters() if not n.startswith('source.')]
    return dict(total=sum(p.numel() for _, p in target),
                trained=sum(p.numel() for _, p in target if p.requires_grad))


def finite(value: Any) -> float | None:
    """A number as JSON has it: None where it is not finite."""
    value = float(value)
    return value if math.isfinite(value) else None
