"""What happens in a run's own process: train, test, write the result whole or not at all."""

from __future__ import annotations

import io
import os
import platform
import resource
import socket
import sys
import time
import traceback
from collections.abc import Callable
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import benchmark.plugins  # noqa: F401  (before what follows: see there)

import pandas
import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.registry import init_default_scope
from mmengine.runner import Runner
from mmpose.registry import MODELS

from benchmark.datasets.metainfo import DataError
from benchmark.datasets.prepared import fingerprint, identity_fingerprint
from benchmark.detector.kept import DETECTOR, NETWORK, TestedWeights, keep_network
from benchmark.detector.validated import for_analysis
from benchmark.engine import Preempted, loops, training_state
from benchmark.experiments.errors import SuiteError
from benchmark.experiments.plan.identity import identity, sealed
from benchmark.experiments.plan.data import draw_again
from benchmark.experiments.plan.source import backbone_arch, backbone_normalisation
from benchmark.experiments.run.damaged import DamagedCheckpoint, DamagedData, DamagedFile, DamagedSource, OtherProgram
from benchmark.experiments.run.tested import (
    as_json,
    ask_for_heatmaps,
    finite,
    load_best,
    other_decodings,
    parameters,
    validated,
    write_files,
)
from benchmark.experiments.state.locks import FolderLock, Locked
from benchmark.experiments.state.records import (
    DECODINGS,
    HEATMAPS,
    HISTORY,
    PROGRESS,
    RECORD,
    VALIDATION,
    State,
    in_words,
    log_tail,
    read_record,
    status,
    write_record,
)
from benchmark.experiments.state.tasks import RESULTS, RUN, SOURCE, check_numerics
from benchmark.experiments.suite.configs import unformatted
from benchmark.models.source import awaken
from benchmark.program import deciding_program
from benchmark.utils.files import atomic_path, digest, file_digest, write_text
from benchmark.utils.machine import keep_freed_memory, processor_name
from benchmark.utils.signals import PREEMPTED

from .child import CLAIMED
from .history import HistoryHook, training_history

PACKAGES = ('torch', 'onedl-mmengine', 'onedl-mmcv', 'mmpose', 'numpy', 'opencv-python-headless')
#: The program as it is imported: what stands in the checkout when a run begins may be another one.
CODE = deciding_program()


class RunRunner(Runner):
    """Runner of a run of a plan, whose config lies in its folder already."""

    def dump_config(self) -> None:
        """Writes nothing."""


class ProgressHook(Hook):
    """Writes the number of finished epochs to a file, for whoever watches; knows when the first step began."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.first: float | None = None

    def before_train_iter(self, runner, batch_idx: int, data_batch=None) -> None:
        """Notes the time of the first step."""
        self.first = self.first or time.time()

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
    machine = dict(system=platform.system(), host=socket.gethostname(), processor=processor_name(),
                   cores=os.cpu_count(),
                   memory_mib=os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') >> 20, device=device,
                   threads=torch.get_num_threads(), deterministic=torch.are_deterministic_algorithms_enabled(),
                   cublas_workspace=os.environ.get('CUBLAS_WORKSPACE_CONFIG'))
    return versions, machine


def _prepare(folder: Path, threads: int) -> None:
    """Sends everything that is printed to the run's log, and sets the threads."""
    log = os.open(folder / 'log', os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    sys.stdout.flush()
    sys.stderr.flush()
    os.dup2(log, 1)
    os.dup2(log, 2)
    torch.set_num_threads(threads)
    keep_freed_memory()
    # Deterministic algorithms are asked for; filling fresh memory is not what makes them so, and costs time.
    torch.utils.deterministic.fill_uninitialized_memory = False


def _build(folder: Path, cfg: Config, save_every: float | None) -> Runner:
    cfg.work_dir = str(folder)
    cfg.experiment_name = 'run'
    # A loop of the user's own may keep no states; then an interrupted run starts from its beginning.
    if cfg.train_cfg.get('type') == 'ResumableTrainLoop':
        cfg.train_cfg.save_every = save_every
    runner = RunRunner.from_cfg(cfg)
    runner.register_hook(ProgressHook(folder / PROGRESS), priority='LOWEST')
    return runner


def perform(kind: str, folder: str, entry: dict, options: dict) -> None:
    """Does a run, or makes a source, under its folder's lock, and writes its record.

    Args:
        kind: ``run`` or ``source``.
        folder: Its folder, with its ``config.py``.
        entry: What its record says of it from the start; see :class:`benchmark.experiments.state.tasks.Task`.
        options: ``threads``, ``save_every`` (seconds between two states), ``keep_checkpoints``, and ``retry``: whether
            this is another attempt, after a failure.

    Ends the process with 0 when the result is there, 1 after a failure, which is recorded, ``PREEMPTED`` when it was
    asked to stop, and ``CLAIMED`` when another process is on this run.
    """
    place, started = Path(folder), time.time()
    _prepare(place, options['threads'])
    try:
        with FolderLock(place, patience=2.0):
            if status(place, entry['hash'], RESULTS[kind]).state is State.DONE:
                return
            attempt = _begin(place, kind)
            make = {RUN: _run_landmarks, SOURCE: _make_source}[kind]

            def work() -> dict:
                _same_numerics(entry)
                if synthetic := options.get('synthetic'):
                    draw_again(Path(synthetic['root']), synthetic['data'], kind == SOURCE, thorough=options['retry'])
                return make(place, entry, options)

            ok = _record(place, dict(entry, attempt=attempt), started, RESULTS[kind], work)
    except Locked as error:
        print(error, flush=True)
        sys.exit(CLAIMED)
    except Preempted:
        print('stopped as asked; the same command resumes from here', flush=True)
        sys.exit(PREEMPTED)
    sys.exit(0 if ok else 1)


def _begin(folder: Path, kind: str) -> int:
    """Clears what a former attempt has left, but for its state and its failure's record; gives the attempt's number."""
    for name in (RESULTS[kind], HEATMAPS, HISTORY, DECODINGS, VALIDATION, NETWORK, DETECTOR):
        (folder / name).unlink(missing_ok=True)
    for path in folder.glob('.*.*'):
        if path.name.endswith('.tmp'):
            path.unlink(missing_ok=True)
    earlier = len(list(folder.glob('failed-*.json')))
    if (record := read_record(folder)) is not None:
        earlier += 1
        os.replace(folder / RECORD, folder / f'failed-{earlier}.json')
        if not (record.get('error') or {}).get('resumes', True):
            _forget(folder)
    return earlier + 1


def _forget(folder: Path) -> None:
    """Removes the states of a training."""
    for path in folder.glob(training_state.PATTERN):
        path.unlink(missing_ok=True)


def _failure(error: BaseException) -> dict:
    """How a failure is recorded: its type, whether it is transient, whether its state can be used."""
    name = type(error).__name__
    signs = ('out of memory', "can't allocate memory", 'alloc_failed')
    memory = isinstance(error, (MemoryError, torch.OutOfMemoryError)) or any(s in str(error).lower() for s in signs)
    if memory:
        name = 'OutOfMemory'
    transient = memory or isinstance(error, (OSError, DataError, DamagedFile)) or 'DataLoader worker' in str(error)
    return dict(type=name, message=in_words(error), may_pass=transient,
                resumes=transient and not isinstance(error, DamagedCheckpoint),
                traceback=''.join(traceback.format_exception(error)))


def _record(folder: Path, entry: dict, started: float, result: str, work: Callable[[], dict]) -> bool:
    """Does ``work`` and writes record.json: done with what it returns, or failed with its traceback."""
    record = dict(entry, code=CODE, started=datetime.fromtimestamp(started, timezone.utc).isoformat(timespec='seconds'))
    try:
        record.update(work(), state='done', error=None, result_sha256=file_digest(folder / result))
    except (Exception, SystemExit) as error:
        if loops.stopping():
            # The request came where somebody catches everything; what was raised then says nothing of the run.
            raise Preempted from error
        if lost := _lost(folder, entry):
            lost.__cause__ = error
        failure = _failure(lost or error)
        print(failure['traceback'], flush=True)
        record.update(state='failed', error=failure | dict(log=log_tail(folder)))
    record['versions'], record['machine'] = environment()
    if first := record.pop('first_step', None):
        record['startup_seconds'] = round(first - started, 2)
    record['seconds'] = round(time.time() - started, 2)
    record['peak_memory_mib'] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    record['peak_gpu_memory_mib'] = torch.cuda.max_memory_allocated() >> 20 if torch.cuda.is_initialized() else None
    write_record(folder, record)
    if record['state'] == 'done':
        _forget(folder)
        (folder / PROGRESS).unlink(missing_ok=True)
    return record['state'] == 'done'


def _lost(folder: Path, entry: dict) -> DamagedFile | None:
    """What a task stands on and has lost meanwhile; whatever is raised for want of it is transient."""
    try:
        if entry.get('source_hash'):
            _source(entry)
        if entry.get('data'):
            root = _config(folder).train_dataloader.dataset.data_root
            _check_data(root, entry['data'], fingerprint if 'source_hash' in entry else identity_fingerprint)
    except DamagedFile as lost:
        return lost
    except (OSError, DataError) as error:
        return DamagedData(f'{error} The data were there when the plan was made.')
    except Exception:
        return None  # Of a config that cannot be read; the task has failed by the same.
    return None


def _config(folder: Path) -> Config:
    if not sealed(folder / 'config.py'):
        raise DamagedFile(f'{folder / "config.py"}: is missing, edited or truncated. Run the command that made the '
                          'plan again: it writes it anew.')
    return unformatted(Config.fromfile(folder / 'config.py'))


def _same_numerics(entry: dict) -> None:
    """Checks that this process computes as the plan says.

    Raises:
        OtherProgram: It does not.
    """
    try:
        check_numerics(entry['numerics'], 'The plan')
    except SuiteError as error:
        raise OtherProgram(str(error)) from None


def _check(cfg: Config, entry: dict) -> str | None:
    """Checks that config and source are those of the plan; gives the source file's digest.

    Raises:
        DamagedFile: They are not.
    """
    if digest(identity(cfg, entry['data'], entry['source_hash'])) != entry['hash']:
        raise DamagedFile("config.py does not give the run's hash: a module that it imports has changed since the plan "
                          'was made. Run the command again.')
    if entry['source_hash'] is None:
        return None
    return _source(entry)


def _source(entry: dict) -> str:
    """Checks that the source is that of the plan; gives its file's digest.

    Raises:
        DamagedSource: It is not.
    """
    path, job = Path(entry['source']), entry['source_job']
    if job:
        found = status(Path(job), entry['source_hash'], RESULTS[SOURCE])
        if found.state is not State.DONE:
            raise DamagedSource(f'{path}: is not the source of the plan; it is made again.')
        return found.record['result_sha256']
    if (found := file_digest(path)) != entry['source_hash']:
        raise DamagedSource(f'{path}: has changed since the plan was made. Run the command again.')
    return found


def _check_data(root: str, planned: str, fingerprint: Callable[[str], str]) -> None:
    """Checks, after a run has read its data, that they are still those of the plan.

    Raises:
        DamagedData: They are not.
    """
    if fingerprint(root) != planned:
        raise DamagedData(f'{root}: the data have changed since the plan was made. Run the command again.')


def _run_landmarks(place: Path, entry: dict, options: dict) -> dict:
    """Trains and tests one run of a plan."""
    cfg = _config(place)
    source = _check(cfg, entry)
    runner = _build(place, cfg, options['save_every'])
    runner.register_hook(HistoryHook(), priority='LOW')
    began = time.time()
    runner.train()
    trained = time.time() - began
    history = training_history(runner.message_hub, runner.iter, runner.epoch)
    if best := runner.message_hub.runtime_info.get('best_ckpt'):
        load_best(runner, place / Path(best).name)
    # Trials are compared on the network that is tested.
    validation = {k: finite(v) for k, v in runner.val().items()} if 'trial' in entry else None
    ask_for_heatmaps(runner.model)
    errors, others = runner.test_evaluator.metrics[0], other_decodings(runner)
    runner.register_hook(tested := TestedWeights(), priority='LOWEST')
    metrics = runner.test()
    rows = pandas.DataFrame(errors.rows)
    said = validated(runner, cfg, tested.state, 'trial' in entry)
    _check_data(cfg.train_dataloader.dataset.data_root, entry['data'], fingerprint)
    if lost := int(rows.error.isna().sum()):
        raise FloatingPointError(f'{lost} of {len(rows)} predictions are not finite: the network has diverged. '
                                 'Lower optim_wrapper.optimizer.lr.')
    for key in ('seed', 'condition', 'method'):
        rows.insert(0, key, entry[key])
    with atomic_path(place / RESULTS[RUN]) as temporary:
        rows.to_parquet(temporary, index=False)
    files = write_files(place, {HISTORY: as_json(history), HEATMAPS: getattr(errors, 'heatmaps', None),
                                 DECODINGS: as_json(others.content),
                                 VALIDATION: said and as_json(for_analysis(said, errors.landmarks))})
    kept = {}
    if options['keep_checkpoints']:
        kept = dict(network=keep_network(place, cfg, tested.state, runner.test_dataloader.dataset.metainfo, entry,
                                         said))
    # What a config asks for between epochs stays with it.
    if not kept or cfg.default_hooks.checkpoint.get('interval', -1) < 1:
        for path in (*place.glob('epoch_*.pth'), *place.glob('best_*.pth'), place / 'last_checkpoint'):
            path.unlink(missing_ok=True)
    epochs = runner.max_epochs
    first = next(hook.first for hook in runner.hooks if isinstance(hook, ProgressHook))
    return dict(epochs=epochs, first_step=first, seconds_per_epoch=round(trained / epochs, 3), source_sha256=source,
                train_images=len(runner.train_dataloader.dataset),
                train_image_names=[e['image'] for e in runner.train_dataloader.dataset.data_list],
                files=files, parameters=parameters(runner.model), metrics={k: finite(v) for k, v in metrics.items()},
                **kept, **({} if validation is None else dict(validation=validation)))


def _make_source(place: Path, entry: dict, options: dict) -> dict:
    """Trains a source network, or draws a random one, and writes ``source.pth``: tensors and plain values only."""
    cfg = _config(place)
    if entry['kind'] == 'random':
        init_default_scope('mmpose')
        torch.manual_seed(cfg.randomness.seed)
        model, accuracy, about = MODELS.build(cfg.model), None, {}
        model.init_weights()
        awaken(model.backbone)
    else:
        cfg.train_cfg.val_interval = cfg.train_cfg.max_epochs
        runner = _build(place, cfg, options['save_every'])
        runner.train()
        model, accuracy = runner.model, float(runner.message_hub.get_scalar('val/source/accuracy').current())
        _check_data(cfg.train_dataloader.dataset.data_root, entry['data'], identity_fingerprint)
        about = dict(epochs=runner.max_epochs, train_images=len(runner.train_dataloader.dataset))
    state = {k: v.cpu().contiguous() for k, v in model.state_dict().items()
             if k.startswith(('backbone.', 'classifier.'))}
    meta = dict(format_version=1, arch=backbone_arch(cfg.model.backbone), num_classes=cfg.model.num_classes,
                normalisation=backbone_normalisation(cfg.model.data_preprocessor), source_format=entry['kind'],
                val_accuracy=accuracy)
    # By way of memory: torch writes a file's own name into it, and a temporary name would make the bytes differ.
    content = io.BytesIO()
    torch.save(dict(meta=meta, state_dict=state), content)
    with atomic_path(place / RESULTS[SOURCE]) as temporary:
        temporary.write_bytes(content.getvalue())
    for path in (*place.glob('epoch_*.pth'), place / 'last_checkpoint'):
        path.unlink(missing_ok=True)
    return dict(about, val_accuracy=accuracy, classes=cfg.model.num_classes)
