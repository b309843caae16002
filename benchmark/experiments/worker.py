"""What happens in a run's own process: train, test, write the result whole or not at all."""

from __future__ import annotations

import os
import platform
import resource
import sys
import time
import traceback
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import benchmark

benchmark.register()

import pandas  # noqa: E402
import torch  # noqa: E402
from mmengine.config import Config  # noqa: E402
from mmengine.hooks import Hook  # noqa: E402
from mmengine.registry import init_default_scope  # noqa: E402
from mmengine.runner import Runner  # noqa: E402
from mmpose.registry import MODELS  # noqa: E402

from .files import atomic_path, file_digest, write_json, write_text  # noqa: E402
from .source import backbone_arch, backbone_normalisation  # noqa: E402

PACKAGES = ('torch', 'onedl-mmengine', 'onedl-mmcv', 'mmpose', 'numpy', 'opencv-python-headless')
PROGRESS = 'progress'


class ProgressHook(Hook):
    """Writes the number of finished epochs to a file, for whoever watches."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def after_train_epoch(self, runner) -> None:
        """Writes ``<done> <of>``."""
        write_text(self.path, f'{runner.epoch + 1} {runner.max_epochs}')


def environment() -> tuple[dict, dict]:
    """Versions of what matters, and the machine."""
    versions = {'python': platform.python_version()}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else 'cpu'
    machine = dict(system=platform.system(), processor=platform.machine(), cores=os.cpu_count(), device=device,
                   threads=torch.get_num_threads())
    return versions, machine


def _prepare(folder: Path, threads: int) -> None:
    """Sends everything that is printed to the run's log, and sets the threads."""
    log = os.open(folder / 'log', os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    sys.stdout.flush()
    sys.stderr.flush()
    os.dup2(log, 1)
    os.dup2(log, 2)
    torch.set_num_threads(threads)
    # Deterministic algorithms are asked for; filling fresh memory is not what makes them so, and costs time.
    torch.utils.deterministic.fill_uninitialized_memory = False


def _build(folder: Path, cfg: Config) -> Runner:
    cfg.work_dir = str(folder)
    cfg.experiment_name = 'run'
    runner = Runner.from_cfg(cfg)
    runner.register_hook(ProgressHook(folder / PROGRESS), priority='LOWEST')
    return runner


def _record(folder: Path, entry: dict, started: float, work) -> None:
    """Does ``work`` and writes record.json: done with what it returns, or failed with its traceback."""
    record = dict(entry, started=datetime.fromtimestamp(started, timezone.utc).isoformat(timespec='seconds'))
    record['versions'], record['machine'] = environment()
    try:
        record.update(work(), state='done', error=None)
    except BaseException as error:
        text = traceback.format_exc()
        print(text, flush=True)
        record.update(state='failed', error=dict(type=type(error).__name__, message=str(error), traceback=text))
    record['seconds'] = round(time.time() - started, 2)
    record['peak_memory_mib'] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    (folder / PROGRESS).unlink(missing_ok=True)
    write_json(folder / 'record.json', record)
    if record['state'] == 'failed':
        sys.exit(1)


def run_landmarks(folder: str, entry: dict, threads: int, keep_checkpoints: bool) -> None:
    """Trains and tests one run of a plan.

    Args:
        folder: The run's folder, with its ``config.py``.
        entry: What identifies the run: id, method, condition, seed, hash, seeds, source_hash.
        threads: Threads of this process.
        keep_checkpoints: Whether the last checkpoint stays.
    """
    place, started = Path(folder), time.time()
    _prepare(place, threads)

    def work() -> dict:
        cfg = Config.fromfile(place / 'config.py')
        runner = _build(place, cfg)
        began = time.time()
        runner.train()
        trained = time.time() - began
        best = sorted(place.glob('best_*.pth'))
        if best:
            runner.load_checkpoint(str(best[-1]))
        metrics = runner.test()
        rows = pandas.DataFrame(runner.test_evaluator.metrics[0].rows)
        if lost := int(rows.error.isna().sum()):
            raise FloatingPointError(f'{lost} of {len(rows)} predictions are not finite: the network has diverged. '
                                     'Lower optim_wrapper.optimizer.lr.')
        for key in ('seed', 'condition', 'method'):
            rows.insert(0, key, entry[key])
        with atomic_path(place / 'predictions.parquet') as temporary:
            rows.to_parquet(temporary, index=False)
        checkpoints = sorted(place.glob('*.pth'))
        if not keep_checkpoints:
            for path in (*checkpoints, place / 'last_checkpoint'):
                path.unlink(missing_ok=True)
        epochs = runner.max_epochs
        return dict(epochs=epochs, seconds_per_epoch=round(trained / epochs, 3),
                    train_images=len(runner.train_dataloader.dataset),
                    train_image_names=[e['image'] for e in runner.train_dataloader.dataset.data_list],
                    parameters=_count(runner.model), metrics={k: _finite(v) for k, v in metrics.items()},
                    predictions_sha256=file_digest(place / 'predictions.parquet'))

    _record(place, entry, started, work)


def _count(model: torch.nn.Module) -> dict[str, int]:
    target = [(n, p) for n, p in model.named_parameters() if not n.startswith('source.')]
    return dict(total=sum(p.numel() for _, p in target),
                trained=sum(p.numel() for _, p in target if p.requires_grad))


def _finite(value) -> float | None:
    value = float(value)
    return value if value == value and abs(value) != float('inf') else None


def make_source(folder: str, entry: dict, threads: int, keep_checkpoints: bool = True) -> None:
    """Trains a source network, or draws a random one, and writes ``source.pth``: tensors and plain values only.

    Args: as :func:`run_landmarks`.
    """
    place, started = Path(folder), time.time()
    _prepare(place, threads)

    def work() -> dict:
        cfg = Config.fromfile(place / 'config.py')
        if entry['kind'] == 'random':
            init_default_scope('mmpose')
            torch.manual_seed(cfg.randomness.seed)
            model, accuracy, about = MODELS.build(cfg.model), None, {}
            model.init_weights()
        else:
            cfg.train_cfg.val_interval = cfg.train_cfg.max_epochs
            runner = _build(place, cfg)
            runner.train()
            model, accuracy = runner.model, float(runner.message_hub.get_scalar('val/source/accuracy').current())
            about = dict(epochs=runner.max_epochs, train_images=len(runner.train_dataloader.dataset))
        state = {k: v.cpu().contiguous() for k, v in model.state_dict().items()
                 if k.startswith(('backbone.', 'classifier.'))}
        meta = dict(format_version=1, arch=backbone_arch(cfg.model.backbone), num_classes=cfg.model.num_classes,
                    normalisation=backbone_normalisation(cfg.model.data_preprocessor), source_format=entry['kind'],
                    val_accuracy=accuracy)
        with atomic_path(place / 'source.pth') as temporary:
            torch.save(dict(meta=meta, state_dict=state), temporary)
        for path in (*place.glob('epoch_*.pth'), place / 'last_checkpoint'):
            path.unlink(missing_ok=True)
        return dict(about, val_accuracy=accuracy, classes=cfg.model.num_classes,
                    checkpoint_sha256=file_digest(place / 'source.pth'))

    _record(place, entry, started, work)
