"""Several trainings in one process, an epoch of each in turn: ``python -m benchmark.speed.alternating SPEC.json``.

What disturbs the machine for a while disturbs all of them; a ratio of neighbours says what differs between them.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

import benchmark

benchmark.register()

import torch  # noqa: E402
from mmengine.hooks import Hook  # noqa: E402
from mmengine.runner import Runner  # noqa: E402

from benchmark.utils.machine import keep_freed_memory  # noqa: E402

from .contestants import Size, config  # noqa: E402
from .one_training import wait_for_device  # noqa: E402


class Paused(BaseException):
    """A training stands before its first epoch."""


class PauseHook(Hook):
    """Stops where the first epoch would begin, once."""

    priority = 'LOWEST'

    def __init__(self) -> None:
        self.paused = False

    def before_train_epoch(self, runner) -> None:
        """Stops the first time."""
        if not self.paused:
            self.paused = True
            raise Paused


def begin(name: str, spec: dict, folder: Path) -> Runner:
    """A training before its first epoch.

    Args:
        name: Of the contestant.
        spec: ``size``, ``data``, ``source``, and ``warm`` + ``epochs``: its length.
        folder: Where it lies.
    """
    cfg = config(name, Size(**spec['size']), Path(spec['data']), Path(spec['source']), spec['warm'] + spec['epochs'])
    cfg.work_dir, cfg.experiment_name, cfg.log_level = str(folder), name, 'ERROR'
    runner = Runner.from_cfg(cfg)
    runner.register_hook(PauseHook())
    try:
        runner.train()
    except Paused:
        pass
    return runner


def main() -> None:
    """Train as the spec says; print a JSON on the last line: name -> seconds of each of its epochs that count."""
    spec = json.loads(Path(sys.argv[1]).read_text())
    names = spec['names']
    torch.set_num_threads(spec['threads'])
    torch.utils.deterministic.fill_uninitialized_memory = False  # as in a suite's worker
    keep_freed_memory()
    seconds: dict[str, list[float]] = {name: [] for name in names}
    with tempfile.TemporaryDirectory() as folder:
        loops = {name: begin(name, spec, Path(folder) / name).train_loop for name in names}
        for epoch in range(spec['warm'] + spec['epochs']):
            # Nobody always comes first, or always after the same one.
            turn = [names[(place + epoch) % len(names)] for place in range(len(names))]
            for name in turn[::-1] if epoch % 2 else turn:
                wait_for_device()
                began = time.perf_counter()
                loops[name].run_epoch()
                wait_for_device()
                seconds[name].append(time.perf_counter() - began)
    print(json.dumps({name: values[spec['warm']:] for name, values in seconds.items()}))


if __name__ == '__main__':
    main()
