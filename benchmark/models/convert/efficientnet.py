"""EfficientNet-Lite0 as PyTorch ports keep it."""

from __future__ import annotations

from pathlib import Path

from ..backbones.efficientnet_lite import (
    LITE_NORMALISATION,
    STAGES,
    EfficientNetLite0,
    EfficientNetLiteEmbedding,
)
from .converted import Converted, Options
from .state_dicts import Layout, convert_state_dict

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
    blocks = [f'backbone.layer{stage}.{number}' for stage, rows in enumerate(STAGES, 1)
              for number in range(sum(row[0] for row in rows))]
    return convert_state_dict(src, data, options, Layout(
        'EfficientNet-Lite0', '_conv_stem.weight', '_fc', '_fc.', lambda key: _rename(key, blocks),
        lambda: {'backbone': EfficientNetLite0(), 'embedding': EfficientNetLiteEmbedding()},
        EfficientNetLiteEmbedding.width, 'backbone.stem.0.weight',
        {'arch': {'type': EfficientNetLite0.__name__}, 'embedding': {'type': EfficientNetLiteEmbedding.__name__}},
        SIDE, LITE_NORMALISATION))
