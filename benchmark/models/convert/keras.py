"""Chains of Keras layers, of a TensorFlow.js layers model."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .errors import ConversionError
from .tfjs import TfjsModel, typed
from .units import Unit

POOLING = 'GlobalAveragePooling2D'
LAYERS = ('InputLayer', 'ZeroPadding2D', 'Conv2D', 'DepthwiseConv2D', 'BatchNormalization', 'ReLU', 'Activation',
          'Dropout', POOLING)
#: Keras's MobileNet pads an image or map of even sides by one at right and below, as 'SAME' does at stride 2.
PADDED = ([[0, 1], [0, 1]], [[1, 1], [1, 1]])


def keras_chain(path: str | Path, model: TfjsModel) -> list[Unit]:
    """See :func:`.graph.graph_chain`."""
    units: list[Unit] = []
    padded, before = None, None
    for layer in _layers(path, model):
        kind, name = layer.get('class_name'), layer.get('name')
        config = typed(path, f'modelTopology: config of layer {name}', layer.get('config', {}), dict, 'a dict')
        name = typed(path, 'modelTopology: name of a layer', config.get('name') or name, str, 'a text')
        if kind not in LAYERS:
            raise ConversionError(f'{path}: {name} is a {kind!r}, which is not read between input and global pooling. '
                                  f'Read are {", ".join(LAYERS)}.')
        _follows(path, layer, name, before)
        before = name
        if kind == POOLING:
            return units
        if kind == 'ZeroPadding2D':
            padded = config.get('padding')
        elif kind in ('Conv2D', 'DepthwiseConv2D'):
            units.append(_convolution(path, model, name, config, kind == 'DepthwiseConv2D', padded))
            padded = None
        elif kind in ('BatchNormalization', 'ReLU', 'Activation'):
            if not units or (kind == 'BatchNormalization' and units[-1].activation != 'none'):
                raise ConversionError(f'{path}: {name}, a {kind}, does not follow a convolution. Read are convolution, '
                                      'batch norm, activation.')
            if kind == 'BatchNormalization':
                _normalise(path, model, name, config, units[-1])
            else:
                units[-1].activation = _activation(path, name, config, units[-1])
    raise ConversionError(f'{path}: has no {POOLING}. Convert a network that ends in one.')


def _layers(path: str | Path, model: TfjsModel) -> list[dict]:
    config = model.topology.get('model_config', model.topology)
    config = config.get('config') if isinstance(config, dict) else None
    layers = config.get('layers') if isinstance(config, dict) else config
    if not isinstance(layers, list) or not all(isinstance(one, dict) for one in layers):
        raise ConversionError(f'{path}: modelTopology has no list of layers. Export the model again.')
    return layers


def _follows(path: str | Path, layer: dict, name: str, before: str | None) -> None:
    """A layer takes the output of the one before it alone."""
    nodes = typed(path, f'modelTopology: inbound_nodes of {name}', layer.get('inbound_nodes') or [], list, 'a list')
    sources = [str(one[0]) for node in nodes if isinstance(node, list) for one in node if isinstance(one, list) and one]
    if sources and sources != [before]:
        raise ConversionError(f'{path}: {name} takes {", ".join(sources)}, not only {before}: the network branches. '
                              'Only chains such as MobileNet v1 are read.')


def _tensor(path: str | Path, model: TfjsModel, layer: str, name: str) -> np.ndarray:
    found = [key for key in model.tensors if key == f'{layer}/{name}' or key.endswith(f'/{layer}/{name}')]
    if len(found) != 1:
        raise ConversionError(f'{path}: {layer}/{name} is {"missing" if not found else "there twice"} in the manifest. '
                              'Export the model again.')
    return model.tensors[found[0]]


def _flag(path: str | Path, layer: str, name: str, config: dict) -> bool:
    return typed(path, f'modelTopology: {name} of {layer}', config.get(name, True), bool, 'true or false')


def _pair(path: str | Path, layer: str, name: str, config: dict) -> list[int]:
    where, words = f'modelTopology: {name} of {layer}', 'a list of two whole numbers'
    found = typed(path, where, config.get(name) or [1, 1], list, words)
    if len(found) != 2:
        typed(path, where, found, (), words)
    return [typed(path, where, one, int, words) for one in found]


def _convolution(path: str | Path, model: TfjsModel, name: str, config: dict, depthwise: bool,
                 padded: object) -> Unit:
    weight = _tensor(path, model, name, 'depthwise_kernel' if depthwise else 'kernel')
    strides, dilations = (_pair(path, name, key, config) for key in ('strides', 'dilation_rate'))
    side = max(weight.shape[:2]) if weight.ndim == 4 else 0
    same = config.get('padding') == 'same' or side == 1 or (side == 3 and padded in PADDED)
    if (not side or (depthwise and weight.shape[3] != 1) or not same or len({*strides}) != 1 or {*dilations} != {1}
            or config.get('data_format', 'channels_last') != 'channels_last'
            or (padded == PADDED[1] and strides[0] != 1) or (padded == PADDED[0] and strides[0] != 2)):
        raise ConversionError(f'{path}: {name} has a kernel {weight.shape}, strides {strides}, dilation_rate '
                              f'{dilations}, padding {config.get("padding")!r} after zeros {padded}. Read are equal '
                              'strides, no dilation, and as much padding as keeps a map, right and below at stride 2.')
    unit = Unit(name, depthwise, weight.transpose((2, 3, 0, 1) if depthwise else (3, 2, 0, 1)), int(strides[0]))
    if _flag(path, name, 'use_bias', config):
        unit.add(_tensor(path, model, name, 'bias').astype(np.float64))
    unit.activation = _activation(path, name, config, unit)
    return unit


def _normalise(path: str | Path, model: TfjsModel, name: str, config: dict, unit: Unit) -> None:
    mean, var = (_tensor(path, model, name, one).astype(np.float64) for one in ('moving_mean', 'moving_variance'))
    eps = float(typed(path, f'modelTopology: epsilon of {name}', config.get('epsilon', 1e-3), (int, float),
                      'a number'))
    factor = 1 / np.sqrt(var + eps)
    if _flag(path, name, 'scale', config):
        factor = factor * _tensor(path, model, name, 'gamma')
    if np.isscalar(unit.scale) and np.isscalar(unit.offset):
        unit.statistics = (mean, var, eps)
    unit.multiply(factor)
    unit.add((_tensor(path, model, name, 'beta') if _flag(path, name, 'center', config) else 0.0) - mean * factor)


def _activation(path: str | Path, name: str, config: dict, unit: Unit) -> str:
    given, most = config.get('activation', 'relu' if 'max_value' in config else 'linear'), config.get('max_value')
    given = typed(path, f'modelTopology: activation of {name}', given, str, 'a text')
    kind = {'linear': 'none', 'relu': 'relu' if most is None else 'relu6', 'relu6': 'relu6'}.get(given)
    if kind is None or most not in (None, 6, 6.0) or config.get('negative_slope') or (
            unit.activation != 'none' and kind != 'none'):
        raise ConversionError(f'{path}: {name} has activation {given!r}, max_value {most!r}, after {unit.activation}. '
                              'Only one ReLU or ReLU6 is read.')
    return unit.activation if kind == 'none' else kind
