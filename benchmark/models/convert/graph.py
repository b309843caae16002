"""Chains of convolutions, of a TensorFlow.js graph model."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from .errors import ConversionError
from .tfjs import TfjsModel, typed
from .units import Unit

#: Operations of a graph that end the chain, that change nothing, and those of an activation.
POOLINGS = ('Mean', 'AvgPool')
SILENT = ('Identity', 'StopGradient')
OPERATIONS = ('Conv2D', '_FusedConv2D', 'DepthwiseConv2dNative', 'FusedDepthwiseConv2dNative', 'Mul', 'Add', 'AddV2',
              'BiasAdd', 'FusedBatchNorm', 'FusedBatchNormV2', 'FusedBatchNormV3', 'Relu', 'Relu6', 'Minimum',
              'Maximum', *SILENT, *POOLINGS)


def graph_chain(path: str | Path, model: TfjsModel) -> list[Unit]:
    """The convolutions of a model from its input to its global pooling; what follows is not read.

    Raises:
        ConversionError: An operation that is not read, a branch, or a tensor that is missing.
    """
    return _Graph(path, model).units()


class _Graph:
    """A graph on its way to a chain."""

    def __init__(self, path: str | Path, model: TfjsModel) -> None:
        self.path, self.tensors = path, model.tensors
        nodes = model.topology.get('node')
        if not isinstance(nodes, list) or not all(isinstance(one, dict) and isinstance(one.get('name'), str)
                                                  for one in nodes):
            raise ConversionError(f'{path}: modelTopology.node is no list of nodes. Export the model again.')
        self.nodes = {one['name']: one for one in nodes}
        self.consumers: dict[str, list[str]] = {}
        for node in nodes:
            for name in self.inputs(node):
                self.consumers.setdefault(name, []).append(node['name'])

    def inputs(self, node: dict) -> list[str]:
        where = f'modelTopology.node: input of {node["name"]}'
        found = typed(self.path, where, node.get('input') or [], list, 'a list of names')
        names = [typed(self.path, where, one, str, 'a name') for one in found]
        return [name.split(':')[0] for name in names if not name.startswith('^')]

    def units(self) -> list[Unit]:
        starts = [name for name, node in self.nodes.items() if node.get('op') == 'Placeholder']
        if len(starts) != 1:
            raise ConversionError(f'{self.path}: has {len(starts)} inputs ({", ".join(starts) or "none"}). Convert a '
                                  'network of one image.')
        units: list[Unit] = []
        for node, before in self._walk(starts[0]):
            if node['op'] in POOLINGS:
                return units
            self._take(node, before, units)
        raise ConversionError(f'{self.path}: no global pooling ({" or ".join(POOLINGS)}) follows {starts[0]}. Convert '
                              'a network that ends in one.')

    def _walk(self, name: str) -> Iterator[tuple[dict, str]]:
        seen = {name}
        while following := self.consumers.get(name, []):
            if len(following) > 1:
                raise ConversionError(f'{self.path}: {name} goes to {" and ".join(following[:3])}: the network '
                                      'branches. Only chains such as MobileNet v1 are read.')
            node = self.nodes[following[0]]
            if node.get('op') not in OPERATIONS:
                raise ConversionError(f'{self.path}: {following[0]} is a {node.get("op")!r}, which is not read between '
                                      f'input and global pooling. Read are {", ".join(OPERATIONS)}.')
            if following[0] in seen:
                raise ConversionError(f'{self.path}: {following[0]} leads back to itself. Export the model again.')
            yield node, name
            name = following[0]
            seen.add(name)

    def _take(self, node: dict, before: str, units: list[Unit]) -> None:
        kind, others = node['op'], [name for name in self.inputs(node) if name != before]
        if 'onv' in kind:
            units.append(self._convolution(node, others, 'epthwise' in kind))
            return
        if kind in SILENT:
            return
        if not units:
            raise ConversionError(f'{self.path}: {node["name"]}, a {kind}, stands before the first convolution. '
                                  'Convert a network that takes its image as it is, and give its normalisation.')
        unit = units[-1]
        if kind in ('Relu', 'Relu6'):
            self._activate(node, unit, kind.lower())
        elif kind in ('Minimum', 'Maximum'):
            self._clip(node, unit, self._one(node, others[:1]))
        elif unit.activation != 'none':
            raise ConversionError(f'{self.path}: {node["name"]}, a {kind}, follows the activation of {unit.name}. Read '
                                  'are convolution, scale and offset, then the activation.')
        elif kind == 'Mul':
            unit.multiply(self._channels(node, unit, others[:1]))
        elif kind.startswith('FusedBatchNorm'):
            gamma, beta, mean, var = (self._channels(node, unit, [name]) for name in self._several(node, others, 4))
            self._normalise(unit, gamma, beta, mean, var, float(self._attribute(node, 'epsilon', 'f', 1e-3)))
        else:
            unit.add(self._channels(node, unit, others[:1]))

    def _normalise(self, unit: Unit, gamma: np.ndarray, beta: np.ndarray, mean: np.ndarray, var: np.ndarray,
                   eps: float) -> None:
        factor = gamma / np.sqrt(var + eps)
        if np.isscalar(unit.scale) and np.isscalar(unit.offset):
            unit.statistics = (mean, var, eps)
        unit.multiply(factor)
        unit.add(beta - mean * factor)

    def _activate(self, node: dict, unit: Unit, kind: str) -> None:
        if unit.activation != 'none':
            raise ConversionError(f'{self.path}: {node["name"]} is a second activation of {unit.name}. Export the '
                                  'model again.')
        unit.activation = kind

    def _clip(self, node: dict, unit: Unit, limits: np.ndarray) -> None:
        """A ReLU6 in two steps or three: ReLU, the smaller of it and 6, the larger of that and 0."""
        small = node['op'] == 'Minimum'
        limit = float(limits.reshape(-1)[0]) if limits.size == 1 else np.nan
        if unit.activation == 'none' or limit != (6.0 if small else 0.0):
            raise ConversionError(f'{self.path}: {node["name"]} clips at {limit:g} ({unit.activation} before it). Only '
                                  'ReLU and ReLU6 are read.')
        if small:
            unit.activation = 'relu6'

    def _convolution(self, node: dict, others: list[str], depthwise: bool) -> Unit:
        weight = self._one(node, others[:1])
        if weight.ndim != 4 or (depthwise and weight.shape[3] != 1):
            raise ConversionError(f'{self.path}: {node["name"]} has a kernel of shape {weight.shape}. Read are '
                                  '(height, width, in, out), and one filter per channel where it is depthwise.')
        strides = self._integers(node, 'strides', [1] * 4)
        dilations = self._integers(node, 'dilations', [])
        padding = self._text(node, 'padding', self._attribute(node, 'padding', 's', ''))
        layout = self._text(node, 'data_format', self._attribute(node, 'data_format', 's', 'NHWC'))
        side = max(weight.shape[:2])
        if (len(strides) != 4 or strides[0] != 1 or strides[1] != strides[2] or any(one != 1 for one in dilations)
                or (padding != 'SAME' and side > 1) or layout != 'NHWC'):
            raise ConversionError(f'{self.path}: {node["name"]} has strides {strides}, dilations {dilations}, padding '
                                  f'{padding!r}. Read are equal strides, no dilation, SAME, NHWC.')
        unit = Unit(node['name'], depthwise, weight.transpose((2, 3, 0, 1) if depthwise else (3, 2, 0, 1)), strides[1])
        fused = [self._text(node, 'fused_ops', one) for one in self._listed(node, 'fused_ops', 's', [])]
        for number, one in enumerate(fused):
            if one == 'BiasAdd' and number == 0:
                unit.add(self._channels(node, unit, others[1:2]))
            elif one in ('Relu', 'Relu6'):
                self._activate(node, unit, one.lower())
            else:
                raise ConversionError(f'{self.path}: {node["name"]} has {one} fused in. Read are BiasAdd, Relu and '
                                      'Relu6.')
        return unit

    def _several(self, node: dict, names: list[str], count: int) -> list[str]:
        if len(names) < count:
            raise ConversionError(f'{self.path}: {node["name"]}, a {node["op"]}, has {len(names)} inputs besides the '
                                  f'image, and needs {count}. Export the model again.')
        return names[:count]

    def _one(self, node: dict, names: list[str]) -> np.ndarray:
        name, = self._several(node, names, 1)
        seen = {name}
        while name not in self.tensors and self.nodes.get(name, {}).get('op') in SILENT:
            name = next(iter(self.inputs(self.nodes[name])), '')
            if name in seen:
                raise ConversionError(f'{self.path}: {name} leads back to itself. Export the model again.')
            seen.add(name)
        if name not in self.tensors:
            raise ConversionError(f'{self.path}: {name!r}, which {node["name"]} asks for, is no tensor of the '
                                  'manifest. Export the model again, with its weights frozen.')
        return self.tensors[name]

    def _channels(self, node: dict, unit: Unit, names: list[str]) -> np.ndarray:
        value = self._one(node, names)
        if value.size != len(unit.weight):
            raise ConversionError(f'{self.path}: {node["name"]} takes a tensor of shape {value.shape}, where '
                                  f'{unit.name} has {len(unit.weight)} channels. Export the model again.')
        return value.reshape(-1).astype(np.float64)

    def _attribute(self, node: dict, name: str, kind: str, default: Any) -> Any:
        """An attribute, of the kind that its letter says: ``f`` a number, ``s`` a text, ``list`` a dict of lists."""
        where = f'modelTopology.node: attr of {node["name"]}'
        found = typed(self.path, where, node.get('attr', {}), dict, 'a dict').get(name, {})
        found = typed(self.path, f'{where}: {name}', found, dict, 'a dict')
        if kind not in found:
            return default
        wanted, words = {'f': ((int, float), 'a number'), 's': ((str, list), 'a text'), 'list': (dict, 'a dict')}[kind]
        return typed(self.path, f'{where}: {name}.{kind}', found[kind], wanted, words)

    def _listed(self, node: dict, name: str, kind: str, default: list) -> list:
        """An attribute that is a list."""
        found = self._attribute(node, name, 'list', {kind: default}).get(kind) or []
        where = f'modelTopology.node: attr of {node["name"]}: {name}.list.{kind}'
        return typed(self.path, where, found, list, 'a list')

    def _integers(self, node: dict, name: str, default: list[int]) -> list[int]:
        """A list of whole numbers, which the converter writes as texts."""
        found = [str(typed(self.path, f'modelTopology.node: attr of {node["name"]}: {name}', one, (str, int),
                           'a whole number')) for one in self._listed(node, name, 'i', default)]
        if not all(re.fullmatch(r'[0-9]{1,9}', one, re.ASCII) for one in found):
            raise ConversionError(f'{self.path}: modelTopology.node: attr of {node["name"]}: {name} is {found}, not '
                                  'whole numbers. Export the model again.')
        return [int(one) for one in found]

    def _text(self, node: dict, name: str, value: Any) -> str:
        """A text of a graph: base64 in files of the converter, plain in others, or a list of its bytes."""
        if isinstance(value, list) and all(type(one) is int and 0 <= one < 256 for one in value):
            value = ''.join(map(chr, value))
        text = typed(self.path, f'modelTopology.node: attr of {node["name"]}: {name}', value, str, 'a text')
        if text in ('SAME', 'VALID', 'NHWC', 'NCHW', ''):
            return text
        try:
            return base64.b64decode(text, validate=True).decode('ascii')
        except ValueError:
            return text
