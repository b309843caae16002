"""Little TensorFlow.js models written by hand, and what they compute, operation by operation."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

#: MobileNet v1: channels and stride of each separable block.
BLOCKS = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1)]


def text(value: str) -> dict:
    return {'s': base64.b64encode(value.encode()).decode()}


def numbers(*values: int) -> dict:
    return {'list': {'i': [str(value) for value in values]}}


def same(x: torch.Tensor, weight: torch.Tensor, stride: int, groups: int = 1) -> torch.Tensor:
    """TensorFlow's 'SAME' convolution: an output pixel for each ``stride`` pixels of the input."""
    kernel, zeros = weight.shape[-1], []
    for side in reversed(x.shape[-2:]):
        count = -(-side // stride)
        total = max((count - 1) * stride + kernel - side, 0)
        zeros += [total // 2, total - total // 2]
    return functional.conv2d(functional.pad(x, zeros), weight, stride=stride, groups=groups)


class Mobile:
    """A MobileNet v1 of random weights, before it is written in one form or another."""

    def __init__(self, width: float = 0.25, seed: int = 0) -> None:
        draw = np.random.default_rng(seed)
        self.units, before = [], 3
        plan = [('conv1', False, 3, 2, int(32 * width))]
        for number, (count, stride) in enumerate(BLOCKS, 1):
            plan += [(f'conv_dw_{number}', True, 3, stride, None),
                     (f'conv_pw_{number}', False, 1, 1, int(count * width))]
        for name, depthwise, kernel, stride, channels in plan:
            after = channels or before
            shape = (kernel, kernel, before, 1) if depthwise else (kernel, kernel, before, after)
            fan = kernel * kernel * (1 if depthwise else before)
            weight = (draw.normal(size=shape) * np.sqrt(2 / fan)).astype('f4')
            norm = {'gamma': draw.uniform(.8, 1.2, after), 'beta': draw.uniform(-.1, .3, after),
                    'moving_mean': draw.normal(size=after) * .1, 'moving_variance': draw.uniform(.6, 1.4, after)}
            norm = {key: value.astype('f4') for key, value in norm.items()}
            self.units.append((name, depthwise, stride, weight, norm))
            before = after

    def scale(self, norm: dict) -> tuple[np.ndarray, np.ndarray]:
        factor = norm['gamma'] / np.sqrt(norm['moving_variance'] + 1e-3)
        return factor, norm['beta'] - norm['moving_mean'] * factor

    @torch.no_grad()
    def stages(self, images: torch.Tensor) -> list[torch.Tensor]:
        """The maps at strides 4, 8, 16 and 32."""
        x, found = images, []
        for name, depthwise, stride, weight, norm in self.units:
            kernel = torch.tensor(weight).permute((2, 3, 0, 1) if depthwise else (3, 2, 0, 1))
            x = same(x, kernel, stride, groups=len(kernel) if depthwise else 1)
            scale, offset = (torch.tensor(one).view(1, -1, 1, 1) for one in self.scale(norm))
            x = (x * scale + offset).clamp(0, 6)
            if name in ('conv_pw_3', 'conv_pw_5', 'conv_pw_11', 'conv_pw_13'):
                found.append(x)
        return found

    def graph(self, fused: bool = False) -> tuple[list[dict], dict[str, np.ndarray]]:
        """Nodes and weights, with the batch norms folded: those behind ordinary convolutions into their kernels."""
        nodes, weights = [{'name': 'image', 'op': 'Placeholder', 'attr': {'dtype': {'type': 'DT_FLOAT'}}}], {}
        last = 'image'

        def const(name: str, value: np.ndarray) -> str:
            nodes.append({'name': name, 'op': 'Const', 'attr': {'dtype': {'type': 'DT_FLOAT'}}})
            weights[name] = np.asarray(value, 'f4')
            return name

        def node(name: str, op: str, inputs: list[str], **attributes: dict) -> str:
            nodes.append({'name': name, 'op': op, 'input': inputs, 'attr': {'T': {'type': 'DT_FLOAT'}, **attributes}})
            return name

        for name, depthwise, stride, weight, norm in self.units:
            scale, offset = self.scale(norm)
            kernel = const(f'{name}/kernel', weight if depthwise else weight * scale)
            attributes = dict(strides=numbers(1, stride, stride, 1), padding=text('SAME'), data_format=text('NHWC'),
                              dilations=numbers(1, 1, 1, 1))
            op = 'DepthwiseConv2dNative' if depthwise else 'Conv2D'
            if fused and not depthwise:
                attributes |= {'fused_ops': {'list': {'s': [text(one)['s'] for one in ('BiasAdd', 'Relu6')]}},
                               'num_args': {'i': '1'}, 'epsilon': {'f': 0}}
                last = node(f'{name}/conv', '_FusedConv2D', [last, kernel, const(f'{name}/add', offset)], **attributes)
                continue
            last = node(f'{name}/conv', op, [last, kernel], **attributes)
            if depthwise:
                last = node(f'{name}/mul_1', 'Mul', [last, const(f'{name}/mul', scale)])
            last = node(f'{name}/add_1', 'AddV2', [last, const(f'{name}/add', offset)])
            if fused:
                last = node(f'{name}/relu', 'Relu6', [last])
                continue
            last = node(f'{name}/relu', 'Relu', [last])
            last = node(f'{name}/min', 'Minimum', [last, const(f'{name}/six', 6)])
            last = node(f'{name}/max', 'Maximum', [last, const(f'{name}/zero', 0)])
        nodes.append({'name': 'axes', 'op': 'Const', 'attr': {'dtype': {'type': 'DT_INT32'}}})
        weights['axes'] = np.array([1, 2], 'i4')
        node('pooled', 'Mean', [last, 'axes'], keep_dims={'b': False}, Tidx={'type': 'DT_INT32'})
        node('head', 'MatMul', ['pooled', const('head/kernel', np.zeros((weight.shape[-1], 2)))])
        return nodes, weights

    def layers(self) -> tuple[list[dict], dict[str, np.ndarray]]:
        """Keras layers and weights, with zeros and 'valid' at stride 2 as Keras's MobileNet has them."""
        found, weights, last = [], {}, None

        def layer(kind: str, name: str, **config: object) -> None:
            nonlocal last
            found.append({'class_name': kind, 'name': name, 'config': {'name': name, **config},
                          'inbound_nodes': [[[last, 0, 0, {}]]] if last else []})
            last = name

        layer('InputLayer', 'input_1')
        for name, depthwise, stride, weight, norm in self.units:
            if stride == 2:
                layer('ZeroPadding2D', f'{name}_pad', padding=[[0, 1], [0, 1]])
            layer('DepthwiseConv2D' if depthwise else 'Conv2D', name, strides=[stride] * 2, use_bias=False,
                  padding='valid' if stride == 2 else 'same', activation='linear', dilation_rate=[1, 1],
                  data_format='channels_last')
            layer('BatchNormalization', f'{name}_bn', epsilon=1e-3, scale=True, center=True)
            layer('ReLU', f'{name}_relu', max_value=6.0)
            weights[f'{name}/{"depthwise_kernel" if depthwise else "kernel"}'] = weight
            weights |= {f'{name}_bn/{key}': value for key, value in norm.items()}
        layer('GlobalAveragePooling2D', 'pool')
        return found, weights


def write(path: Path, topology: dict, weights: dict[str, np.ndarray], quantised: str | None = None,
          shards: int = 1) -> dict:
    """Writes a model; gives the numbers that a reader is to find."""
    entries, body, kept = [], b'', {}
    for name, value in weights.items():
        entry = {'name': name, 'shape': list(value.shape), 'dtype': 'int32' if value.dtype == np.int32 else 'float32'}
        raw, kept[name] = value, value
        if quantised == 'float16' and value.dtype == np.float32:
            entry['quantization'] = {'dtype': quantised}
            raw = value.astype('<f2')
            kept[name] = raw.astype('f4')
        elif quantised and value.dtype == np.float32 and value.size > 1:
            most = 255 if quantised == 'uint8' else 65535
            scale, low = float(np.ptp(value)) / most or 1.0, float(value.min())
            raw = np.clip(np.round((value - low) / scale), 0, most).astype(quantised)
            entry['quantization'] = {'dtype': quantised, 'scale': scale, 'min': low, 'original_dtype': 'float32'}
            kept[name] = raw.astype('f4') * np.float32(scale) + np.float32(low)
        body += raw.tobytes()
        entries.append(entry)
    paths = [f'group1-shard{number}of{shards}.bin' for number in range(1, shards + 1)]
    step = -(-len(body) // shards)
    for number, name in enumerate(paths):
        (path.parent / name).write_bytes(body[number * step:(number + 1) * step])
    kind = 'graph-model' if 'node' in topology else 'layers-model'
    path.write_text(json.dumps({'format': kind, 'generatedBy': 'a test', 'modelTopology': topology,
                                'weightsManifest': [{'paths': paths, 'weights': entries}]}))
    return kept
