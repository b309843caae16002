"""dlib's stream of its face recognition network (``dlib_face_recognition_resnet_model_v1.dat``)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from ..backbones.dlib_resnet import DLIB_NORMALISATION, EMBEDDING, SIDE, STAGES, STEM, DlibEmbedding, DlibResNet
from .converted import Converted, Options
from .errors import ConversionError
from .folded import as_norm

#: A tensor: version 2, four sizes, numbers. Such sizes as are sought stand nowhere else by chance.
_TENSOR = b'\x01\x02'
#: What follows the last tensor at most: the settings of its layers.
TAIL = 1000
EPS = 1e-5


def _places() -> list[tuple[str, tuple[int, int, int, int]]]:
    """Convolutions from input to output: where each goes, and its shape (out, in, height, width)."""
    found, before = [('backbone.stem.1', (STEM, 3, 7, 7))], STEM
    for stage, (channels, count) in enumerate(STAGES, 1):
        for block in range(count):
            name = f'backbone.layer{stage}.{block}.conv'
            found += [(f'{name}1', (channels, channels if block else before, 3, 3)),
                      (f'{name}2', (channels, channels, 3, 3))]
        before = channels
    return [*found, *((f'embedding.block.conv{part}', (before, before, 3, 3)) for part in (1, 2))]


def _integer(value: int) -> bytes:
    """An integer as dlib writes it: the number of its bytes, then these."""
    raw = value.to_bytes(8, 'little').rstrip(b'\0') or b'\0'
    return bytes([len(raw)]) + raw


def read_dlib(path: str | Path, data: bytes, sizes: list[tuple[int, int, int, int]]) -> list[np.ndarray]:
    """Reads tensors out of a stream, in order.

    Args:
        path: Name of the file, for messages.
        data: Its bytes.
        sizes: Their sizes (n, k, rows, columns).

    Raises:
        ConversionError: One is not there, truncated or not finite, or something large follows the last.
    """
    place, found = 0, []
    for number, size in enumerate(sizes, 1):
        head = _TENSOR + b''.join(map(_integer, size))
        start = data.find(head, place)
        if start < 0:
            raise ConversionError(f'{path}: tensor {number} of {len(sizes)}, of {np.prod(size)} numbers, is not there: '
                                  "no file of dlib's face recognition network, or cut short. Give "
                                  'dlib_face_recognition_resnet_model_v1.dat.')
        start, count = start + len(head), int(np.prod(size))
        if start + 4 * count > len(data):
            raise ConversionError(f'{path}: tensor {number} of {len(sizes)} needs {4 * count} bytes, '
                                  f'{len(data) - start} are left. Download it again and compare its size.')
        values = np.frombuffer(data, '<f4', count, start)
        if not np.isfinite(values).all():
            raise ConversionError(f'{path}: tensor {number} of {len(sizes)} holds values that are not finite. Download '
                                  'it again.')
        found.append(values)
        place = start + 4 * count
    if len(data) - place > TAIL:
        raise ConversionError(f'{path}: {len(data) - place} bytes follow the last tensor. Give '
                              'dlib_face_recognition_resnet_model_v1.dat, or download it again.')
    return found


def convert_dlib(src: Path, data: bytes, options: Options) -> Converted:
    """Reads dlib's face recognition network: 29 convolutions with their affine layers, and the embedding's matrix.

    Args:
        src: Name of the file, for messages.
        data: Its bytes.
        options: See :class:`.converted.Options`; the network takes RGB.

    Raises:
        ConversionError: See :func:`read_dlib`; a prefix, or another channel order.
    """
    options.refuse_prefix(src)
    if options.channel_order == 'bgr':
        raise ConversionError(f"{src}: --channel-order bgr: dlib's network takes RGB. Leave it out.")
    places = _places()
    sizes: list[tuple[int, int, int, int]] = []
    for _, shape in places:
        sizes += [(int(np.prod(shape)) + shape[0], 1, 1, 1), (2 * shape[0], 1, 1, 1)]
    width = STAGES[-1][0]
    tensors = read_dlib(src, data, [*sizes, (width, EMBEDDING, 1, 1)])
    state = {}
    for (name, shape), numbers, affine in zip(places, tensors[::2], tensors[1::2]):
        channels = shape[0]
        weight, bias = numbers[:-channels].reshape(shape), numbers[-channels:].astype(np.float64)
        scale, offset = affine.astype(np.float64).reshape(2, channels)
        state[f'{name}.weight'] = torch.tensor(weight)
        norm = 'backbone.stem.2' if name == 'backbone.stem.1' else name.replace('.conv', '.norm')
        values = as_norm(scale, offset + scale * bias, channels, None, EPS)
        state |= {f'{norm}.{key}': value for key, value in values.items()}
    state['embedding.fc.weight'] = torch.tensor(tensors[-1].reshape(width, EMBEDDING).T.copy())
    meta = {'arch': {'type': DlibResNet.__name__}, 'embedding': {'type': DlibEmbedding.__name__}, 'num_classes': 0,
            'channel_order': 'rgb', 'source_channel_order': 'rgb', 'input_size': [SIDE, SIDE], 'resize': False}
    return Converted(meta, state, DLIB_NORMALISATION, {'source_kind': 'dlib'}, folded=True)
