"""EfficientNet-Lite0 as PyTorch ports keep it."""

from __future__ import annotations

from pathlib import Path

import torch

from ..backbones.efficientnet_lite import (
    LITE_NORMALISATION,
    STAGES,
    EfficientNetLite0,
    EfficientNetLiteEmbedding,
)
from .converted import Converted, Options
from .reading import read_source
from .state_dicts import classes_of, fitted, without_prefix

SIDE = 224
_PARTS = {'_expand_conv': 'conv1', '_bn0': 'norm1', '_depthwise_conv': 'conv2', '_bn1': 'norm2',
          '_project_conv': 'conv3', '_bn2': 'norm3'}
_OTHERS = {'_conv_stem': 'backbone.stem.0', '_bn0': 'backbone.stem.1', '_conv_head': 'embedding.conv',
           '_bn1': 'embedding.norm', '_fc': 'classifier'}


def _rename(key: str, blocks: list[str]) -> str:
    """The checkpoint's name of a tensor; '' for one that has none."""
    owner, _, name = key.rpartition('.')
    if owner in _OTHERS:
        return f'{_OTHERS[owner]}.{name}'
    first, _, rest = owner.partition('.')
    number, _, part = rest.partition('.')
    if first == '_blocks' and number.isdecimal() and int(number) < len(blocks) and part in _PARTS:
        return f'{blocks[int(number)]}.{_PARTS[part]}.{name}'
    return ''


def convert_efficientnet_lite(src: Path, data: bytes, options: Options) -> Converted:
    """Reads an EfficientNet-Lite0 with the names of the PyTorch ports (``_blocks.0._depthwise_conv.weight``).

    Args:
        src: Name of the file, for messages.
        data: Its bytes.
        options: See :class:`.converted.Options`.

    Raises:
        ConversionError: A name or a shape does not fit.
    """
    content, kind = read_source(src, data)
    content, prefix = without_prefix(src, content, '_conv_stem.weight', options.prefix)
    blocks = [f'backbone.layer{stage}.{number}' for stage, rows in enumerate(STAGES, 1)
              for number in range(sum(row[0] for row in rows))]
    with torch.device('meta'):
        parts = {'backbone': EfficientNetLite0(), 'embedding': EfficientNetLiteEmbedding()}
    wanted = {f'{part}.{key}': tuple(value.shape) for part, module in parts.items()
              for key, value in module.state_dict().items()}
    classes = 0
    if options.classifier:
        classes = classes_of(content.get('_fc.bias'))
        wanted |= {'classifier.weight': (classes, EfficientNetLiteEmbedding.width), 'classifier.bias': (classes,)}
    else:
        content = {key: value for key, value in content.items() if not key.startswith('_fc.')}
    state = fitted(src, content, lambda key: _rename(key, blocks), wanted, 'EfficientNet-Lite0')
    if options.channel_order == 'bgr':
        state['backbone.stem.0.weight'] = state['backbone.stem.0.weight'].flip(1)
    meta = {'arch': {'type': EfficientNetLite0.__name__}, 'embedding': {'type': EfficientNetLiteEmbedding.__name__},
            'num_classes': classes, 'channel_order': 'rgb',
            'source_channel_order': 'bgr' if options.channel_order == 'bgr' else 'rgb', 'input_size': [SIDE, SIDE],
            'resize': False}
    return Converted(meta, state, LITE_NORMALISATION, {'source_prefix': prefix, 'source_kind': kind})
