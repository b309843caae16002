"""MobileNet v1 of TensorFlow.js files."""

from __future__ import annotations

from pathlib import Path

import torch

from ..backbones.mobilenet_v1 import BLOCKS, EPS, STAGES, STEM, MobileNetV1
from .converted import Converted, Options
from .errors import ConversionError
from .folded import as_norm
from .graph import graph_chain
from .keras import keras_chain
from .tfjs import GRAPH, read_tfjs
from .units import Unit

SIDE = 224
_REMEDY = 'Only MobileNet v1 is read: a convolution and thirteen separable blocks.'


def convert_tfjs(src: Path, data: bytes, options: Options) -> Converted:
    """Reads a TensorFlow.js MobileNet v1; heads behind its global pooling are left out.

    Args:
        src: The JSON file; its weights lie beside it.
        data: Its bytes.
        options: See :class:`.converted.Options`; the channel order must be said.

    Raises:
        ConversionError: See :func:`.tfjs.read_tfjs` and :func:`.graph.graph_chain`; no MobileNet v1; no channel order.
    """
    options.refuse_prefix(src)
    if options.channel_order == 'auto':
        raise ConversionError(f'{src}: a TensorFlow.js file does not say how its images are normalised. Give '
                              '--channel-order, and --mean and --std per channel R, G, B in 0..255.')
    model = read_tfjs(src, data)
    units = (graph_chain if model.kind == GRAPH else keras_chain)(src, model)
    width = _check(src, units)
    names = ['stem', *(f'layer{stage}.{block - start}' for stage, (start, stop) in enumerate(STAGES, 1)
                       for block in range(start, stop))]
    places = [('stem.0', 'stem.1'), *((f'{name}.conv{part}', f'{name}.norm{part}') for name in names[1:]
                                      for part in (1, 2))]
    state = {}
    for unit, (convolution, norm) in zip(units, places):
        state[f'backbone.{convolution}.weight'] = torch.tensor(unit.weight, dtype=torch.float32)
        values = as_norm(unit.scale, unit.offset, len(unit.weight), unit.statistics, EPS)
        state |= {f'backbone.{norm}.{key}': value for key, value in values.items()}
    if options.channel_order == 'bgr':
        state['backbone.stem.0.weight'] = state['backbone.stem.0.weight'].flip(1)
    for key, value in state.items():
        if not torch.isfinite(value).all():
            raise ConversionError(f'{src}: the weights of {key} hold values that are not finite. Download it again.')
    arch = {'type': MobileNetV1.__name__} | ({} if width == 1 else {'width': width})
    meta = {'arch': arch, 'num_classes': 0, 'channel_order': 'rgb', 'source_channel_order': options.channel_order,
            'input_size': [SIDE, SIDE], 'resize': False}
    origin = {'source_kind': f'TensorFlow.js {model.kind}', 'source_shards': model.shards,
              **{f'source_{key}': value for key, value in model.about.items()}}
    return Converted(meta, state, None, origin, folded=any(unit.statistics is None for unit in units))


def _check(src: Path, units: list[Unit]) -> float:
    """Compares the units with those of MobileNet v1; gives its width."""
    wanted = [(False, 3, 2), *((kind, kernel, step) for _, stride in BLOCKS
                               for kind, kernel, step in ((True, 3, stride), (False, 1, 1)))]
    if len(units) != len(wanted):
        raise ConversionError(f'{src}: has {len(units)} convolutions before its global pooling, MobileNet v1 has '
                              f'{len(wanted)}. {_REMEDY}')
    width = len(units[0].weight) / STEM
    channels = [3, int(STEM * width)]
    for count, _ in BLOCKS:
        channels += [channels[-1], int(count * width)]
    for number, (unit, (depthwise, kernel, stride)) in enumerate(zip(units, wanted)):
        before, after = channels[number:number + 2]
        shape = (after, 1 if depthwise else before, kernel, kernel)
        found = (unit.depthwise, unit.stride, tuple(unit.weight.shape), unit.activation)
        if found != (depthwise, stride, shape, 'relu6'):
            raise ConversionError(
                f'{src}: {unit.name} is a {"depthwise " if unit.depthwise else ""}convolution of shape {found[2]}, '
                f'stride {unit.stride}, activation {unit.activation}; MobileNet v1 of width {width:g} has a '
                f'{"depthwise " if depthwise else ""}one of shape {shape}, stride {stride}, activation relu6 there. '
                f'{_REMEDY}')
    return width
