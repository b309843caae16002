"""Checkpoints read without executing what is in them: tensors, plain data and NumPy arrays."""

from __future__ import annotations

import re
from pathlib import Path
from pickle import UnpicklingError
from typing import IO, Any

import numpy as np
import torch

DTYPES = ('bool', 'uint8', 'int8', 'int16', 'int32', 'int64', 'float16', 'float32', 'float64')


class CheckpointError(ValueError):
    """A checkpoint that can't be read, or not without executing what is in it; names the file and the remedy."""


class _LeftOut:
    """Stands where a file has one of MMEngine's log buffers, of which nothing is wanted."""

    def __init__(self, *_: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        pass


def harmless() -> list[Any]:
    """What checkpoints of MMEngine name besides tensors and plain data: parts of NumPy arrays, and its log buffers.

    Buffers are pickled with ``getattr``, which MMEngine's own list therefore allows; here both are stand-ins that do
    nothing.
    """
    core = np._core if hasattr(np, '_core') else np.core
    found: list[Any] = [np.ndarray, np.dtype, bytes]
    found += [(_LeftOut, name) for name in ('mmengine.logging.history_buffer.HistoryBuffer', 'getattr',
                                            'builtins.getattr', '__builtin__.getattr')]
    for module in ('numpy.core.multiarray', 'numpy._core.multiarray'):
        found += [(getattr(core.multiarray, name), f'{module}.{name}') for name in ('_reconstruct', 'scalar')]
    return found + [type(np.dtype(name)) for name in DTYPES]


def load_plain(file: str | Path | IO[bytes]) -> Any:
    """``torch.load`` that executes nothing: tensors, plain data and what :func:`harmless` lists.

    Raises:
        UnpicklingError: The file names anything else.
        Exception: Whatever a broken file makes torch raise.
    """
    with torch.serialization.safe_globals(harmless()):
        return torch.load(file, map_location='cpu', weights_only=True)


def read_checkpoint(path: str | Path) -> dict[str, Any]:
    """A checkpoint with a ``state_dict``, or a bare state dict under that key; nothing in the file is executed.

    Args:
        path: The file.

    Raises:
        CheckpointError: There is none, it is damaged, or it names something that would have to be executed.
    """
    if not Path(path).is_file():
        raise CheckpointError(f'{path}: no such checkpoint. Correct the path.')
    try:
        content = load_plain(path)
    except UnpicklingError as error:
        named = re.search(r'GLOBAL (\S+)', str(error))
        if named is None:
            raise CheckpointError(f'{path}: is no torch checkpoint, or cut short. Copy or make it again.') from None
        raise CheckpointError(f'{path}: asks for {named[1]}, which would be executed; nothing was. Save its state dict '
                              'alone, in the program that made it, with torch.save.') from None
    except Exception as error:
        raise CheckpointError(f'{path}: cannot be read ({type(error).__name__}). Copy or make it again.') from None
    content = content if isinstance(content, dict) else {}
    state = content.get('state_dict', content)
    if not isinstance(state, dict) or not any(isinstance(value, torch.Tensor) for value in state.values()):
        raise CheckpointError(f'{path}: holds no state dict. Give a checkpoint of a training.')
    return content if 'state_dict' in content else {'state_dict': state}


def load_weights(model: torch.nn.Module, state: dict[str, torch.Tensor], where: str | Path) -> None:
    """Loads a state dict, every tensor of it.

    Args:
        model: The network.
        state: Name -> tensor.
        where: The checkpoint's path, for messages.

    Raises:
        CheckpointError: A tensor is missing, one too many, or of another shape.
    """
    own, remedy = model.state_dict(), 'Give the config that the checkpoint was made with.'
    for key, value in own.items():
        if key not in state:
            raise CheckpointError(f"{where}: {key} is missing, which the config's network has. {remedy}")
        if state[key].shape != value.shape:
            raise CheckpointError(f"{where}: {key} has shape {tuple(state[key].shape)}, the config's network needs "
                                  f'{tuple(value.shape)}. {remedy}')
    if extra := sorted(set(state) - set(own)):
        raise CheckpointError(f"{where}: {extra[0]} has no place in the config's network. {remedy}")
    model.load_state_dict(state)


def plain(value: Any) -> Any:
    """A value as tensors and plain data: NumPy arrays become lists; None for what has no such form."""
    if isinstance(value, np.ndarray):
        return value.tolist() if value.dtype.kind in 'biufUS' else None
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items() if isinstance(key, (str, int, float, bool, tuple))}
    if isinstance(value, (list, tuple)):
        return type(value)(map(plain, value)) if type(value) in (list, tuple) else [*map(plain, value)]
    if isinstance(value, (set, frozenset)):
        return sorted(map(plain, value), key=str)
    return value if value is None or isinstance(value, (str, int, float, bool, bytes, torch.Tensor)) else None
