"""One training in a process of its own: ``python -m benchmark.speed.one_training SPEC.json`` prints what it took."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import threading
import time
from pathlib import Path

STARTED = time.perf_counter()

import benchmark  # noqa: E402

benchmark.register()

import torch  # noqa: E402
from mmengine.hooks import Hook  # noqa: E402
from mmengine.runner import Runner  # noqa: E402

from benchmark.engine.feature_cache_hook import FeatureCacheHook  # noqa: E402
from benchmark.engine.frozen_forward import CACHED  # noqa: E402
from benchmark.utils.machine import keep_freed_memory  # noqa: E402

from .contestants import PEERS, Size, config  # noqa: E402


class Stopwatch(Hook):
    """Times epochs, and the share of a step that waits for data.

    Args:
        meeting: Folder where trainings that are timed together wait for each other before their second epoch.
        together: Their number.
    """

    priority = 'VERY_LOW'

    def __init__(self, meeting: Path, together: int = 1) -> None:
        self.meeting, self.together = meeting, together
        self.epochs: list[float] = []
        self.processor: list[float] = []
        self.data, self.steps, self.waiting = 0.0, 0, 0.0
        self.frozen = self.cached = 0
        self.first = None

    def before_train_epoch(self, runner) -> None:
        """Starts the epoch's clock."""
        wait_for_device()
        if runner.epoch == 1 and self.together > 1:
            self.meeting.mkdir(exist_ok=True)
            (self.meeting / str(os.getpid())).touch()
            while len(list(self.meeting.iterdir())) < self.together:
                time.sleep(0.01)
        self.began = self.waiting = time.perf_counter()
        self.began_on_processor = time.process_time()

    def before_train_iter(self, runner, batch_idx: int, data_batch=None) -> None:
        """The data are there."""
        now = time.perf_counter()
        if runner.epoch:
            self.data += now - self.waiting
            self.steps += 1
            states = [outputs.state() for hook in runner.hooks if isinstance(hook, FeatureCacheHook)
                      for outputs in hook.outputs]
            self.frozen += len(states)
            self.cached += states.count(CACHED)

    def after_train_iter(self, runner, batch_idx: int, data_batch=None, outputs=None) -> None:
        """The step is done."""
        if self.first is None:
            wait_for_device()
            self.first = time.perf_counter()
        self.waiting = time.perf_counter()

    def after_train_epoch(self, runner) -> None:
        """Stops the epoch's clock."""
        wait_for_device()
        self.epochs.append(time.perf_counter() - self.began)
        self.processor.append(time.process_time() - self.began_on_processor)


class Memory(threading.Thread):
    """Largest resident memory that is no mapped file, in MiB."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak = 0

    def run(self) -> None:
        """Looks twenty times a second."""
        while True:
            lines = Path('/proc/self/status').read_text().splitlines()
            self.peak = max(self.peak, sum(int(line.split()[1]) for line in lines
                                           if line.startswith(('RssAnon', 'RssShmem'))) // 1024)
            time.sleep(0.05)


def wait_for_device() -> None:
    """Lets a GPU, where there is one, end what it was given, so that a clock says what it took."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def main() -> None:
    """Train as the spec says, and print the measurements as JSON on the last line."""
    spec = json.loads(Path(sys.argv[1]).read_text())
    torch.set_num_threads(spec['threads'])
    torch.utils.deterministic.fill_uninitialized_memory = False  # as in a suite's worker
    if spec['name'] not in PEERS:
        keep_freed_memory()
    memory, watch = Memory(), Stopwatch(Path(spec['meeting']), spec['together'])
    memory.start()
    cfg = config(spec['name'], Size(**spec['size']), Path(spec['data']), Path(spec['source']), spec['epochs'])
    with tempfile.TemporaryDirectory() as folder:
        cfg.work_dir = folder
        cfg.log_level = 'ERROR'
        runner = Runner.from_cfg(cfg)
        runner.register_hook(watch, priority='VERY_LOW')
        built = time.perf_counter()
        runner.train()
        if spec['size'].get('test'):
            runner.test()
    print(json.dumps(dict(
        name=spec['name'], epochs=watch.epochs, processor=watch.processor, startup=watch.first - STARTED,
        build=built - STARTED, data_share=watch.data / max(1e-9, sum(watch.epochs[1:])), steps=watch.steps,
        cached_share=watch.cached / watch.frozen if watch.frozen else None, memory_mib=memory.peak,
        gpu_mib=torch.cuda.max_memory_allocated() >> 20 if torch.cuda.is_available() else None, pid=os.getpid())))


if __name__ == '__main__':
    main()
