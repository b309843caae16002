"""State dicts of one architecture: other names, every tensor there, every shape right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from .converted import Converted, Options
from .errors import ConversionError
from .pickles import as_tensor
from .reading import read_source


@dataclass(frozen=True)
class Layout:
    """How the files of one architecture name its tensors.

    Attributes:
        what: The architecture, for messages.
        first: One of its tensors, as the file names it.
        classifier: The classifier's module, as the file names it.
        around: Prefix of all that belongs to the classifier in the file.
        rename: Gives a tensor's name in the checkpoint; '' for one that has none.
        modules: Makes the modules of the checkpoint, by their prefix in it.
        width: Features that the classifier takes.
        stem: The first convolution's weight in the checkpoint, which is turned where the file's network takes BGR.
        meta: Architecture, and embedding if there is one.
        side: Side of the images that the network was made for, in pixels.
        normalisation: ``mean`` and ``std`` per RGB channel in 0..255.
    """

    what: str
    first: str
    classifier: str
    around: str
    rename: Callable[[str], str]
    modules: Callable[[], dict[str, nn.Module]]
    width: int
    stem: str
    meta: dict[str, Any]
    side: int
    normalisation: dict[str, tuple[float, float, float]]


def convert_state_dict(src: Path, data: bytes, options: Options, layout: Layout) -> Converted:
    """Reads a state dict of one architecture.

    Args:
        src: Name of the file, for messages.
        data: Its bytes.
        options: See :class:`.converted.Options`.
        layout: The architecture.

    Raises:
        ConversionError: A name or a shape does not fit.
    """
    content, kind = read_source(src, data)
    content, prefix = without_prefix(src, content, layout.first, options.prefix)
    with torch.device('meta'):
        modules = layout.modules()
    wanted = {f'{part}.{key}': tuple(value.shape) for part, module in modules.items()
              for key, value in module.state_dict().items()}
    classes = 0
    if options.classifier:
        classes = classes_of(content.get(f'{layout.classifier}.bias'))
        wanted |= {'classifier.weight': (classes, layout.width), 'classifier.bias': (classes,)}
    else:
        content = {key: value for key, value in content.items() if not key.startswith(layout.around)}
    state = fitted(src, content, layout.rename, wanted, layout.what)
    bgr = options.channel_order == 'bgr'
    if bgr:
        state[layout.stem] = state[layout.stem].flip(1)
    meta = {**layout.meta, 'num_classes': classes, 'channel_order': 'rgb',
            'source_channel_order': 'bgr' if bgr else 'rgb', 'input_size': [layout.side, layout.side], 'resize': False}
    return Converted(meta, state, layout.normalisation, {'source_prefix': prefix, 'source_kind': kind})


def without_prefix(path: str | Path, content: dict[str, object], first: str,
                   prefix: str | None) -> tuple[dict[str, object], str]:
    """A network's tensors under their own names, and what stood before them.

    Args:
        path: Name of the file, for messages.
        content: Name -> array.
        first: Name of one of its tensors.
        prefix: What stands before the names; None finds it.

    Raises:
        ConversionError: There are several such networks in the file.
    """
    if prefix is None:
        found = sorted(key[:-len(first)] for key in content if f'.{key}'.endswith(f'.{first}'))
        if len(found) > 1:
            raise ConversionError(f'{path}: holds {len(found)} networks, with names that begin with '
                                  f'{", ".join(map(repr, found))}. Say with --prefix which one is meant.')
        prefix = found[0] if found else ''
    return {key[len(prefix):]: value for key, value in content.items() if key.startswith(prefix)}, prefix


def classes_of(bias: object) -> int:
    """Number of classes, by the offsets of a classifier; 0 where these are no list."""
    shape = getattr(bias, 'shape', ())
    return int(shape[0]) if len(shape) == 1 else 0


def fitted(path: str | Path, content: dict[str, object], rename: Callable[[str], str],
           wanted: dict[str, tuple[int, ...]], what: str) -> dict[str, Tensor]:
    """A whole network's tensors by their new names.

    Args:
        path: Name of the file, for messages.
        content: Name -> array.
        rename: Gives a tensor's new name; '' for one that has none.
        wanted: New names and shapes; what counts batches may be missing.
        what: The architecture, for messages.

    Raises:
        ConversionError: A tensor is missing, one too many, or of another shape.
    """
    names = {rename(key) or key: key for key in content}
    remedy = f'Give the complete weights of {what}.'
    if extra := sorted(names.keys() - wanted.keys()):
        raise ConversionError(f'{path}: {names[extra[0]]} has no place in {what}. {remedy}')
    for key in wanted:
        if key not in names and not key.endswith('num_batches_tracked'):
            raise ConversionError(f'{path}: the tensor of {key} is missing, which {what} needs. ' + (
                'Give --no-classifier to convert the encoder only.' if key.startswith('classifier.') else remedy))
    state = {}
    for key, shape in wanted.items():
        state[key] = as_tensor(path, names.get(key, key), content[names[key]] if key in names else 0)
        if tuple(state[key].shape) != shape:
            raise ConversionError(f'{path}: {names[key]} has shape {tuple(state[key].shape)}, {what} needs {shape}. '
                                  f'{remedy}')
    return state
