"""ResNets: what names public files have for their tensors, and whether these are a whole network."""

from __future__ import annotations

import re
from pathlib import Path

import torch
from mmpose.models.backbones import ResNet
from torch import Tensor, nn

from ..backbones.vggface2_resnet import VGGFACE2_NORMALISATION, VGGFace2ResNet
from .converted import Converted, Options
from .errors import ConversionError
from .pickles import as_tensor
from .reading import read_source

#: ImageNet's statistics per RGB channel in 0..255, of torchvision's networks and most of timm's.
IMAGENET_NORMALISATION = {'mean': (123.675, 116.28, 103.53), 'std': (58.395, 57.12, 57.375)}

#: Format -> (architecture, normalisation).
RESNETS = {
    'vggface2': (VGGFace2ResNet, VGGFACE2_NORMALISATION),
    'torchvision': (ResNet, IMAGENET_NORMALISATION),
    'timm': (ResNet, IMAGENET_NORMALISATION),
}

_CAFFE_UNIT = re.compile(r'conv([2-5])_(\d+)_(1x1_reduce|3x3|1x1_increase|1x1_proj)(_bn)?\.(\w+)')
_CAFFE_PARTS = {'1x1_reduce': ('conv1', 'bn1'), '3x3': ('conv2', 'bn2'), '1x1_increase': ('conv3', 'bn3'),
                '1x1_proj': ('downsample.0', 'downsample.1')}
_CAFFE_OTHERS = {'conv1_7x7_s2': 'conv1', 'conv1_7x7_s2_bn': 'bn1', 'classifier': 'fc'}
#: A plain ResNet's first convolution, and first names of its first block, as torch and Caffe call them.
_STEM = re.compile(r'(?<![^.])conv1(_7x7_s2)?\.weight$')
_FIRST_BLOCK = ('layer1.0.conv1.weight', 'conv2_1_1x1_reduce.weight')


def unwrap(path: str | Path, content: dict[str, object], prefix: str | None = None) -> tuple[dict[str, object], str]:
    """The network's own tensors under their own names, out of what training programs wrap around them.

    DataParallel puts ``module.`` before every name, Lightning ``model.`` or whatever the attribute is called,
    torch.compile ``_orig_mod.``, detectors and classifiers ``backbone.``; tensors that lie elsewhere (heads, losses)
    are left out, but for the classifier that MMPretrain keeps as ``head.fc``.

    Args:
        path: Name of the file, for messages.
        content: Name -> array.
        prefix: What stands before the network's names; None finds it.

    Returns:
        The tensors, and the prefix that was taken off.

    Raises:
        ConversionError: There are several such networks in the file, or none under the prefix that was given.
    """
    found = sorted(key[:match.start()] for key in content if (match := _STEM.search(key))
                   and any(key[:match.start()] + first in content for first in _FIRST_BLOCK))
    if prefix is not None:
        if prefix not in found:
            have = ', '.join(map(repr, found)) or 'none'
            raise ConversionError(f'{path}: no ResNet whose names begin with {prefix!r}. There are: {have}.')
        found = [prefix]
    if len(found) > 1:
        raise ConversionError(f'{path}: holds {len(found)} networks, with names that begin with '
                              f'{", ".join(map(repr, found))}. Say with --prefix which one is meant.')
    start = found[0] if found else ''
    own = {key[len(start):]: value for key, value in content.items() if key.startswith(start)}
    if start.endswith('backbone.'):
        head = start[:-len('backbone.')] + 'head.'
        own |= {key[len(head):]: value for key, value in content.items() if key.startswith(head + 'fc.')}
    return own, start


def rename(key: str) -> str:
    """A torch-style name from Caffe's (``conv2_1_3x3_bn.bias`` -> ``layer1.0.bn2.bias``); others stay.

    Caffe counts the stem as stage 1 and blocks from 1.
    """
    if unit := _CAFFE_UNIT.fullmatch(key):
        stage, block, part, is_norm, field = unit.groups()
        return f'layer{int(stage) - 1}.{int(block) - 1}.{_CAFFE_PARTS[part][bool(is_norm)]}.{field}'
    owner, _, field = key.rpartition('.')
    return f'{_CAFFE_OTHERS[owner]}.{field}' if owner in _CAFFE_OTHERS else key


def build_architecture(path: str | Path, source_format: str, keys: set[str]) -> tuple[nn.Module, dict]:
    """The backbone that a file's names belong to, without memory for its weights.

    Args:
        path: Name of the file, for messages.
        source_format: One of :data:`RESNETS`.
        keys: Torch-style names.

    Returns:
        The backbone on torch's meta device, and its MMPose config.

    Raises:
        ConversionError: The number of blocks per stage is no plain ResNet's.
    """
    kind, _ = RESNETS[source_format]
    found: dict[int, int] = {}
    for key in keys:
        if match := re.match(r'layer(\d+)\.(\d+)\.', key):
            found[int(match[1])] = max(found.get(int(match[1]), 0), int(match[2]) + 1)
    blocks = tuple(found[stage] for stage in sorted(found))
    bottleneck = any(re.fullmatch(r'layer\d+\.\d+\.conv3\.weight', key) for key in keys)
    for depth, (_, sizes) in ResNet.arch_settings.items():
        if sizes == blocks and bottleneck == (depth >= 50):
            with torch.device('meta'):
                return kind(depth), {'type': kind.__name__, 'depth': depth}
    names = ', '.join(sorted(keys)[:3])
    raise ConversionError(f'{path}: has {blocks or "no"} residual blocks per stage, unlike any ResNet of '
                          f'depth 18, 34, 50, 101 or 152 (its names are like {names}). Convert a plain ResNet.')


def _check(path: str | Path, expected: dict[str, tuple], found: dict[str, Tensor], arch: dict,
           source_format: str, names: dict[str, str]) -> None:
    """Compares names and shapes; the first difference is named as it stands in the file."""
    what = f'{arch["type"]}-{arch["depth"]}'
    others = ', '.join(sorted(set(RESNETS) - {source_format}))

    def fail(keys: list[str], problem: str, remedy: str) -> None:
        more = f' (and {len(keys) - 1} more)' if len(keys) > 1 else ''
        raise ConversionError(f'{path}: {names.get(keys[0], keys[0])}{more} {problem}. {remedy}')

    if missing := sorted(set(expected) - set(found)):
        only_classifier = all(key.startswith('fc.') for key in missing)
        fail(missing, f'is missing, which {what} needs',
             'Give --no-classifier to convert the encoder only.' if only_classifier else
             f'Use the complete weights of a plain ResNet; other formats: {others}.')
    if unexpected := sorted(set(found) - set(expected)):
        fail(unexpected, f'has no place in {what}',
             f'Squeeze-and-excitation, deep-stem and other variants do not fit; other formats: {others}.')
    for key, shape in expected.items():
        if tuple(found[key].shape) != shape:
            fail([key], f'has shape {tuple(found[key].shape)}, {what} needs {shape}',
                 'Use the weights of a plain ResNet: no ResNeXt, no wide one, RGB input.')


def convert_resnet(src: Path, data: bytes, options: Options) -> Converted:
    """Reads a file, renames, checks and turns to RGB what is in it.

    Args:
        src: Name of the file, for messages.
        data: Its bytes.
        options: See :class:`.converted.Options`.

    Raises:
        ConversionError: A name or a shape does not fit.
    """
    source_format, classifier, channel_order = options.source_format, options.classifier, options.channel_order
    content, kind = read_source(src, data)
    content, prefix = unwrap(src, content, options.prefix)
    names = {rename(key) if source_format == 'vggface2' else key: key for key in content}
    if len(names) < len(content):
        raise ConversionError(f'{src}: names the same tensor in two ways. Keep one of the two.')
    caffe_names = any(new != old for new, old in names.items())
    if not classifier:
        names = {new: old for new, old in names.items() if not new.startswith('fc.')}
    backbone, arch = build_architecture(src, source_format, set(names))
    found = {new: as_tensor(src, old, content[old]) for new, old in names.items()}

    expected = {key: tuple(value.shape) for key, value in backbone.state_dict().items()}
    for key in expected:
        if key.endswith('num_batches_tracked'):  # not known to Caffe and to torch before 0.4.1
            found.setdefault(key, torch.tensor(0))
    classes = 0
    if classifier:
        weight = found.get('fc.weight')
        if weight is not None and weight.ndim == 4 and weight.shape[2:] == (1, 1):
            weight = found['fc.weight'] = weight.flatten(1)
        classes = len(weight) if weight is not None and weight.ndim else 0
        expected |= {'fc.weight': (classes, backbone.feat_dim), 'fc.bias': (classes,)}
    _check(src, expected, found, arch, source_format, names)

    if channel_order == 'auto':
        channel_order = 'bgr' if source_format == 'vggface2' and not caffe_names else 'rgb'
    if channel_order == 'bgr':
        found['conv1.weight'] = found['conv1.weight'].flip(1)
    meta = {'arch': arch, 'num_classes': classes, 'channel_order': 'rgb',
            'source_channel_order': channel_order}
    state = {f'backbone.{key}': found[key] for key in backbone.state_dict()}
    if classifier:
        state |= {f'classifier.{field}': found[f'fc.{field}'] for field in ('weight', 'bias')}
    return Converted(meta, state, RESNETS[source_format][1], {'source_prefix': prefix, 'source_kind': kind})
