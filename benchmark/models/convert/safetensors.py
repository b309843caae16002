"""Safetensors files: the length of a JSON header, the header, then raw little-endian numbers."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np

from .errors import ConversionError

#: What the format can hold and a network is made of: its name -> numpy's; BF16 is the upper half of a float32.
DTYPES = {'F64': '<f8', 'F32': '<f4', 'F16': '<f2', 'BF16': '<u2', 'I64': '<i8', 'I32': '<i4', 'I16': '<i2', 'I8': 'i1',
          'U64': '<u8', 'U32': '<u4', 'U16': '<u2', 'U8': 'u1', 'BOOL': '?'}
#: The format's own limit of its header, in bytes.
MOST_HEADER = 100_000_000
_AGAIN = 'Download it again and compare its size.'


def is_safetensors(path: str | Path, data: bytes) -> bool:
    """Whether a file is one by its name or its first bytes."""
    return Path(path).suffix == '.safetensors' or (data[8:9] == b'{' and 8 + _length(data) <= len(data))


def read_safetensors(path: str | Path, data: bytes) -> dict[str, np.ndarray]:
    """Reads a safetensors file.

    Args:
        path: Name of the file, for messages.
        data: Its bytes.

    Returns:
        Name -> array; BF16 as float32, the other dtypes as they stand.

    Raises:
        ConversionError: No such file, truncated, overlong, with overlapping tensors or with an unknown dtype.
    """
    length = _length(data)
    if not 2 <= length <= min(MOST_HEADER, len(data) - 8):
        raise ConversionError(f'{path}: is no safetensors file, or cut short: its header would have {length} bytes, '
                              f'the file has {len(data)}. {_AGAIN}')
    try:
        header = json.loads(data[8:8 + length].decode('utf-8'))
    except (ValueError, RecursionError):
        header = None
    if not isinstance(header, dict):
        raise ConversionError(f'{path}: the header is no JSON object. {_AGAIN}')
    header.pop('__metadata__', None)
    if not header:
        raise ConversionError(f'{path}: holds no tensor. Save the state dict.')
    body, found, places = memoryview(data)[8 + length:], {}, []
    for name, entry in header.items():
        found[name], place = _tensor(path, name, entry, body)
        places.append((*place, name))
    end, before = 0, 'the header'
    for start, stop, name in sorted(places):
        if start != end:
            how = 'overlaps' if start < end else 'leaves a gap behind'
            raise ConversionError(f'{path}: {name} starts at byte {start} of the numbers and {how} {before}, which '
                                  f'ends at {end}. {_AGAIN}')
        end, before = stop, name
    if end != len(body):
        raise ConversionError(f'{path}: {len(body) - end} bytes follow the last tensor. {_AGAIN}')
    return found


def _length(data: bytes) -> int:
    return struct.unpack('<Q', data[:8])[0] if len(data) >= 8 else 0


def _tensor(path: str | Path, name: str, entry: object, body: memoryview) -> tuple[np.ndarray, tuple[int, int]]:
    """One tensor, and where it stands."""
    dtype, shape, place = (entry.get(key) if isinstance(entry, dict) else None
                           for key in ('dtype', 'shape', 'data_offsets'))
    if str(dtype) not in DTYPES:
        raise ConversionError(f'{path}: {name} has dtype {dtype!r}. Read are {", ".join(DTYPES)}: save it as one of '
                              'these.')
    if not _naturals(shape) or not _naturals(place) or len(place) != 2:
        raise ConversionError(f'{path}: {name} has no shape or place: shape={shape!r}, data_offsets={place!r}. '
                              f'{_AGAIN}')
    kind, (start, stop) = np.dtype(DTYPES[dtype]), place
    size = kind.itemsize
    for side in shape:
        size *= side
    if stop - start != size or stop > len(body):
        raise ConversionError(f'{path}: {name} of {size} bytes stands at bytes {start} to {stop} of {len(body)}. '
                              f'{_AGAIN}')
    array = np.frombuffer(body[start:stop], kind).reshape(shape)
    if dtype == 'BF16':
        array = (array.astype('<u4') << 16).view('<f4')
    return array, (start, stop)


def _naturals(value: object) -> bool:
    return isinstance(value, list) and all(type(one) is int and one >= 0 for one in value)
