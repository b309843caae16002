"""The whole state of a training, so that what was stopped ends with the bytes of what was not.

MMEngine's checkpoints hold weights, optimiser and schedule. What decides the next step besides them is kept here too:
the states of all random number generators, the place within the epoch, the message hub, and what hooks add to a
checkpoint. A state is a file of tensors and plain values (``torch.load(weights_only=True)`` reads it) that carries the
digest of its bytes in its name: one that is cut short or edited does not fit its name and is not used.
"""

from __future__ import annotations

import hashlib
import io
import random
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.logging import HistoryBuffer

from benchmark.utils.files import atomic_path, file_digest

from .unwrap import unwrapped

PATTERN = 'state-*.pth'
PLAIN = (str, int, float, bool, type(None))


def random_states() -> dict[str, Any]:
    """States of Python's, NumPy's and torch's generators, on the CPU and on every CUDA device in use."""
    name, keys, position, has_gauss, cached = np.random.get_state()
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() and torch.cuda.is_initialized() else []
    return dict(python=random.getstate(), torch=torch.get_rng_state(), cuda=cuda,
                numpy=[name, torch.from_numpy(keys.astype(np.int64)), int(position), int(has_gauss), float(cached)])


def set_random_states(states: dict[str, Any]) -> None:
    """Puts all generators back; the inverse of :func:`random_states`."""
    version, internal, gauss = states['python']
    random.setstate((version, tuple(internal), gauss))
    name, keys, *rest = states['numpy']
    np.random.set_state((name, keys.numpy().astype(np.uint32), *rest))
    torch.set_rng_state(states['torch'])
    if states['cuda']:
        torch.cuda.set_rng_state_all(states['cuda'])


def capture(runner, batches: int) -> dict[str, Any]:
    """The state of a runner between two iterations.

    Args:
        runner: MMEngine's runner, in training.
        batches: Number of batches of this epoch that are done.
    """
    model = unwrapped(runner.model)
    hub = runner.message_hub
    state = dict(
        epoch=runner.epoch, iter=runner.iter, batches=batches, random=random_states(),
        state_dict=model.state_dict(), optimizer=runner.optim_wrapper.state_dict(),
        schedulers=[_plain(scheduler.state_dict()) for scheduler in schedulers(runner)],
        scalars={key: (torch.from_numpy(np.array(buffer._log_history)),
                       torch.from_numpy(np.array(buffer._count_history)), buffer.max_length)
                 for key, buffer in hub.log_scalars.items()},
        info=_plain(dict(hub.runtime_info)))
    runner.call_hook('before_save_checkpoint', checkpoint=state)
    return state


def restore(runner, state: dict[str, Any]) -> None:
    """Puts a runner into a state; the random states are left to the caller, who first goes to the place in the epoch.

    Args:
        runner: A runner that is built as the one of the state was.
        state: From :func:`capture`.
    """
    # Hooks such as MMEngine's EMA take a checkpoint otherwise when it is one to go on from.
    resuming, runner._resume = runner._resume, True
    try:
        runner.call_hook('after_load_checkpoint', checkpoint=state)
    finally:
        runner._resume = resuming
    model = unwrapped(runner.model)
    model.load_state_dict(state['state_dict'])
    runner.optim_wrapper.load_state_dict(state['optimizer'])
    for scheduler, content in zip(schedulers(runner), state['schedulers'], strict=True):
        scheduler.load_state_dict(content)
    for key, (values, counts, length) in state['scalars'].items():
        runner.message_hub.log_scalars[key] = HistoryBuffer(values.numpy(), counts.numpy(), length)
    for key, value in state['info'].items():
        runner.message_hub.update_info(key, value)


def save(folder: Path, state: dict[str, Any]) -> Path:
    """Writes a state as ``state-<iteration>-<digest>.pth`` and removes the older ones once it is whole."""
    older = list(folder.glob(PATTERN))
    # By way of memory: on a full disk torch raises a RuntimeError about positions, where writing bytes says ENOSPC.
    content = io.BytesIO()
    torch.save(state, content)
    name = f'state-{state["iter"]:09d}-{hashlib.sha256(content.getbuffer()).hexdigest()[:16]}.pth'
    with atomic_path(folder / name) as temporary:
        temporary.write_bytes(content.getbuffer())
    for path in older:
        if path.name != name:
            path.unlink(missing_ok=True)
    return folder / name


def load(folder: Path) -> dict[str, Any] | None:
    """The newest state of a folder that is whole, or None. What is not whole is renamed to ``damaged-*`` and named."""
    for path in sorted(folder.glob(PATTERN), reverse=True):
        if file_digest(path)[:16] == path.stem.rpartition('-')[2]:
            return torch.load(path, map_location='cpu', weights_only=True)
        print(f'{path}: does not match the digest in its name; set aside as damaged-{path.name}', flush=True)
        path.rename(path.with_name(f'damaged-{path.name}'))
    return None


def schedulers(runner) -> list:
    """All schedulers of a runner: MMEngine keeps a list, a dict of lists, or None."""
    found = runner.param_schedulers
    return [s for group in found.values() for s in group] if isinstance(found, dict) else list(found or [])


def _plain(content: dict) -> dict:
    """What of a content is plain; NumPy's numbers, which are numbers too, become Python's."""
    def plain(value):
        if isinstance(value, np.generic):
            return value.item()
        if type(value) in (list, tuple):
            return type(value)(plain(v) for v in value)
        return value if type(value) in PLAIN else Ellipsis

    found = {key: plain(value) for key, value in content.items()}
    return {k: v for k, v in found.items() if v is not Ellipsis and not (
        type(v) in (list, tuple) and Ellipsis in v)}
