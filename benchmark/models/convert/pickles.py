"""Pickles of numpy arrays and torch files, read without executing anything that is in them."""

from __future__ import annotations

import io
import pickle
import re
import struct
from collections import OrderedDict
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..checkpoint import load_plain
from .errors import ConversionError

#: Keys under which training scripts keep the state dict.
NESTED = ('state_dict', 'model_state_dict', 'model', 'net', 'network', 'weights', 'params')
_OLD_TORCH = b'\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.'
#: What a broken pickle or torch file may raise.
_BROKEN = (RuntimeError, ValueError, TypeError, ArithmeticError, LookupError, AttributeError, AssertionError,
           EOFError, ImportError, MemoryError, OSError, SystemError, struct.error)
_ARRAYS_ONLY = 'Only numbers in numpy arrays or torch tensors are read.'


def _encode_latin1(text: str, encoding: str = 'latin1') -> bytes:
    """What old pickle protocols call to rebuild bytes; other codecs are refused."""
    if encoding not in ('latin1', 'latin-1'):
        raise _RefusedError(f'the codec {encoding!r}')
    return text.encode('latin1')


def _allowed_globals() -> dict[tuple[str, str], object]:
    """Everything that a pickle of numpy arrays may name; numpy 1 and 2 differ in the name of their core."""
    allowed = {('numpy', 'ndarray'): np.ndarray, ('numpy', 'dtype'): np.dtype,
               ('collections', 'OrderedDict'): OrderedDict, ('_codecs', 'encode'): _encode_latin1}
    core = np._core if hasattr(np, '_core') else np.core
    for name in ('numpy.core', 'numpy._core'):
        allowed[name + '.multiarray', '_reconstruct'] = core.multiarray._reconstruct
        allowed[name + '.numeric', '_frombuffer'] = core.numeric._frombuffer
    return allowed


class _RefusedError(pickle.UnpicklingError):
    """A pickle names an object that is no part of an array."""


class _ArrayUnpickler(pickle.Unpickler):
    """Reads a pickle of numpy arrays in dicts; refuses to look up anything else, before it is called."""

    allowed = _allowed_globals()

    def find_class(self, module: str, name: str) -> object:
        """Gives one of the allowed objects.

        Raises:
            _RefusedError: The pickle names another one.
        """
        if (module, name) not in self.allowed:
            raise _RefusedError(f'{module}.{name}')
        return self.allowed[module, name]


def read_arrays(path: str | Path, data: bytes) -> tuple[dict[str, object], str]:
    """Reads a pickle of named arrays or a torch file without running what it holds.

    Args:
        path: Name of the file, for messages.
        data: Its bytes.

    Returns:
        Name -> numpy array or tensor, and what the file was: ``numpy pickle`` or ``torch``.

    Raises:
        ConversionError: Not such a file, truncated, or with more than arrays in it.
    """
    is_torch = data.startswith((b'PK\x03\x04', _OLD_TORCH))
    try:
        if is_torch:
            content = load_plain(io.BytesIO(data))
        else:
            content = _ArrayUnpickler(io.BytesIO(data), encoding='latin1').load()
    except pickle.UnpicklingError as error:
        named = re.search(r'GLOBAL (\S+)', str(error))  # torch's own refusal
        if not named and not isinstance(error, _RefusedError):
            raise ConversionError(_unreadable(path)) from None
        name = named.group(1) if named else error
        raise ConversionError(f'{path}: refused, because it asks for {name}, which is no part of an array; '
                              f'nothing was run. {_ARRAYS_ONLY} Save the state dict alone with torch.save.'
                              ) from None
    except _BROKEN:
        raise ConversionError(_unreadable(path)) from None
    if isinstance(content, dict):
        content = next((content[key] for key in NESTED if isinstance(content.get(key), dict)), content)
    if not isinstance(content, dict) or not content or not all(isinstance(key, str) for key in content):
        raise ConversionError(f'{path}: holds no dict of named arrays. Save the state dict with torch.save.')
    return dict(content), 'torch' if is_torch else 'numpy pickle'


def _unreadable(path: str | Path) -> str:
    return (f'{path}: neither a pickle of numpy arrays nor a torch or safetensors file, or cut short. Download it '
            'again and compare its size.')


def as_tensor(path: str | Path, key: str, value: object) -> Tensor:
    """One array as a contiguous float32 tensor, int64 for batch norm's counter."""
    original = value
    if isinstance(value, Tensor) and value.layout == torch.strided and not value.is_quantized:
        value = (value.float() if value.is_floating_point() else value).detach().numpy()
    if not isinstance(value, (np.ndarray, int)) or np.asarray(value).dtype.kind not in 'fiu':
        raise ConversionError(f'{path}: {key} is a {type(original).__name__}, not an array of numbers. '
                              f'{_ARRAYS_ONLY} Remove it from the file.')
    counter = key.endswith('num_batches_tracked')
    array = np.array(value, dtype=np.int64 if counter else np.float32, order='C')
    if not np.isfinite(array).all():
        raise ConversionError(f'{path}: {key} holds values that are not finite. Download or train it again.')
    return torch.from_numpy(array.reshape(()) if counter and array.size == 1 else array)
