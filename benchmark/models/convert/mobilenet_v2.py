"""MobileNet v2 with torchvision's names."""

from __future__ import annotations

from pathlib import Path

from mmpose.models.backbones import MobileNetV2

from .converted import Converted, Options
from .resnet import IMAGENET_NORMALISATION
from .state_dicts import Layout, convert_state_dict

SIDE = 224
#: Outputs at strides 4, 8, 16 and 32; the last one's channels.
OUTPUTS, WIDTH = [1, 2, 4, 7], 1280
#: Blocks of each of MMPose's layers.
BLOCKS = (1, 2, 3, 4, 3, 3, 1)


def _rename(key: str) -> str:
    """MMPose's name of a tensor; '' for one that has none."""
    first, *parts = key.split('.')
    if first == 'classifier' and parts[:1] == ['1']:
        return f'classifier.{parts[-1]}'
    names = [f'layer{layer}.{block}' for layer, count in enumerate(BLOCKS, 1) for block in range(count)]
    if first != 'features' or len(parts) < 3 or not parts[0].isdecimal():
        return ''
    number = int(parts[0])
    if number in (0, len(names) + 1) and len(parts) == 3 and parts[1] in ('0', '1'):
        return f'backbone.{"conv2" if number else "conv1"}.{"bn" if parts[1] == "1" else "conv"}.{parts[2]}'
    if not 1 <= number <= len(names) or parts[1] != 'conv' or not parts[2].isdecimal():
        return ''
    block, place, last = names[number - 1], int(parts[2]), 1 if number == 1 else 2
    if place < last and len(parts) == 5 and parts[3] in ('0', '1'):
        return f'backbone.{block}.conv.{place}.{"bn" if parts[3] == "1" else "conv"}.{parts[4]}'
    if place in (last, last + 1) and len(parts) == 4:
        return f'backbone.{block}.conv.{last}.{"conv" if place == last else "bn"}.{parts[3]}'
    return ''


def convert_mobilenet_v2(src: Path, data: bytes, options: Options) -> Converted:
    """Reads a MobileNet v2 with torchvision's names (``features.1.conv.0.0.weight``).

    Args:
        src: Name of the file, for messages.
        data: Its bytes.
        options: See :class:`.converted.Options`.

    Raises:
        ConversionError: A name or a shape does not fit.
    """
    return convert_state_dict(src, data, options, Layout(
        'MobileNet v2', 'features.0.0.weight', 'classifier.1', 'classifier.', _rename,
        lambda: {'backbone': MobileNetV2()}, WIDTH, 'backbone.conv1.conv.weight',
        {'arch': {'type': MobileNetV2.__name__, 'out_indices': OUTPUTS}}, SIDE, IMAGENET_NORMALISATION))
