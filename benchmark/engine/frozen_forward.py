"""Frozen networks whose outputs are cached: the source, and the frozen stages of an encoder."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from benchmark.models.backbones.tapped import Tapped, residual_stages
from benchmark.utils.feature_store import FeatureStore, StoreFull, describe_store
from benchmark.utils.files import digest
from benchmark.utils.gpu_memory import room_on

#: Of a batch: its outputs are cached; they will be, once computed; they are computed at every step.
CACHED, NEW, ON_THE_FLY = 'cached', 'new', 'on the fly'
PRECISIONS = {'float32': (torch.float32, np.float32), 'float16': (torch.float16, np.float16)}


class FrozenOutputs:
    """Outputs of a frozen network per view, computed once and cached.

    With float32 the outputs are those computed on the fly, bit for bit on a CPU: in batches of one size its kernels
    treat each image alike. With float16 they are rounded to 11 significant bits.

    Args:
        folder: Folder of its stores; None caches nothing and computes everything on the fly.
        rows: Number of views.
        batch_size: Images that are computed at a time.
        precision: ``float32`` or ``float16``.
        limit: Most bytes that the stores may take.
        about: What this is, for ``about.json``.
        say: Called with a sentence when there is something to know.
        resident: Most bytes of outputs that stay on a GPU after their first use; see
            :func:`benchmark.utils.gpu_memory.room_on`.

    Attributes:
        views: Numbers of the present batch's views; None where they have none.
        held: Outputs that are given whatever the batch; None gives the batch's.
    """

    def __init__(self, folder: Path | None, rows: int, batch_size: int, precision: str = 'float32', limit: int = 0,
                 about: dict | None = None, say: Callable[[str], None] = print, resident: int = 0) -> None:
        self.folder, self.rows, self.batch_size, self.limit = folder, rows, batch_size, limit
        self.about, self.say = about or {}, say
        self.precision = precision
        self.stores: dict[str, tuple[FeatureStore, bool, torch.dtype]] = {}
        self.off = folder is None
        self.views: list[int] | None = None
        self.held: dict[str, Tensor] | None = None
        self.resident: dict[str, dict[int, Tensor]] = {}
        self.most_resident = resident
        self.room: int | None = None

    def state(self) -> str:
        """What becomes of the present batch: :data:`CACHED`, :data:`NEW` or :data:`ON_THE_FLY`."""
        if self.views is None or self.off:
            return ON_THE_FLY
        there = self.stores and all(store.has(view) for store, *_ in self.stores.values() for view in self.views)
        return CACHED if there else NEW

    def read(self, like: Tensor) -> dict[str, Tensor]:
        """Outputs of the present batch, whose state is :data:`CACHED`.

        Args:
            like: A tensor on the device where they are wanted.
        """
        return {name: self._read(name, like.device) for name in self.stores}

    def __call__(self, inputs: Tensor, compute: Callable[[Tensor], dict[str, Tensor]]) -> dict[str, Tensor]:
        """Outputs for a batch.

        Args:
            inputs: Images (B, 3, H, W).
            compute: The network: images to named outputs, each with the batch as its first axis.
        """
        if self.held is not None:
            return self.held
        views = self.views
        if views is None or len(views) != len(inputs):
            return compute(inputs)
        if self.state() == CACHED:
            return self.read(inputs)
        outputs = self._whole(inputs, compute)
        if not self.off and (self.stores or self._open(outputs)):
            self._store(outputs, views)
        return outputs

    def _whole(self, inputs: Tensor, compute: Callable[[Tensor], dict[str, Tensor]]) -> dict[str, Tensor]:
        """Computes an incomplete batch as a whole one: which kernels run depends on the batch's size, and they may
        differ in the last bits."""
        count = len(inputs)
        if count < self.batch_size:
            inputs = inputs.repeat(-(-self.batch_size // count), 1, 1, 1)[:self.batch_size]
        outputs = {name: value[:count] for name, value in compute(inputs).items()}
        if self.precision == 'float16':
            # Cached or not, the first time or later: always rounded.
            outputs = {name: value.half().to(value.dtype) for name, value in outputs.items()}
        return outputs

    def _open(self, outputs: dict[str, Tensor]) -> bool:
        """Makes the stores, once the shapes are known."""
        need = sum(value[0].numel() for value in outputs.values()) * self.rows * PRECISIONS[self.precision][0].itemsize
        try:
            if need > self.limit:
                raise StoreFull(f'the features of all views would take {need / 2**30:.1f} GiB, the limit is '
                                f'{self.limit / 2**30:.1f} GiB')
            for name, value in outputs.items():
                last = channels_last(value)
                shape = value[0].permute(1, 2, 0).shape if last else value[0].shape
                store = FeatureStore(self.folder / name, self.rows, tuple(shape), PRECISIONS[self.precision][1])
                self.stores[name] = store, last, value.dtype
            describe_store(self.folder, self.about)
        except (StoreFull, OSError) as error:
            self._give_up(error)
        return not self.off

    def _store(self, outputs: dict[str, Tensor], views: Sequence[int]) -> None:
        """Writes the rows that are not there."""
        try:
            for name, value in outputs.items():
                store, last, _ = self.stores[name]
                rows = (value.permute(0, 2, 3, 1) if last else value).detach().float().cpu().numpy()
                for view, row in zip(views, rows):
                    if not store.has(view):
                        store.write(view, row)
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        self.off = True
        self.say(f'features are computed on the fly: {error}')

    def _read(self, name: str, device: torch.device) -> Tensor:
        store, last, dtype = self.stores[name]
        if device.type == 'cpu':
            value = torch.from_numpy(store.read(self.views)).to(dtype)
        else:
            value = self._from_card(name, device)
        return value.permute(0, 3, 1, 2) if last else value

    def _from_card(self, name: str, device: torch.device) -> Tensor:
        """Rows that are copied to the device once, as far as there is room."""
        store, _, dtype = self.stores[name]
        there = self.resident.setdefault(name, {})
        if missing := [view for view in dict.fromkeys(self.views) if view not in there]:
            values = torch.from_numpy(store.read(missing)).to(device, dtype)
            self.room = room_on(device, self.most_resident) if self.room is None else self.room
            if values.nbytes > self.room:
                new = dict(zip(missing, values))
                return torch.stack([new[view] if view in new else there[view] for view in self.views])
            self.room -= values.nbytes
            there.update(zip(missing, values))
        return torch.stack([there[view] for view in self.views])


def channels_last(value: Tensor) -> bool:
    """Whether a map's memory has the channels last (and not just both orders at once)."""
    return value.dim() == 4 and not value.is_contiguous() and value.is_contiguous(memory_format=torch.channels_last)


def weights_digest(modules: Sequence[nn.Module]) -> str:
    """BLAKE2 (hex) of all parameters and buffers, with their names, types and shapes."""
    total = hashlib.blake2b(digest_size=16)
    for module in modules:
        for name, value in module.state_dict(keep_vars=False).items():
            total.update(f'{name} {value.dtype} {tuple(value.shape)}'.encode())
            total.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
    return total.hexdigest()


def structure(backbone: nn.Module) -> str:
    """Digest of what a network computes with its weights, as far as it says so: layers with their options, taps."""
    return digest([repr(backbone), str(getattr(backbone, 'tap_modules', ())),
                   str(getattr(backbone, 'out_indices', None))])


def key_of(parts: dict) -> str:
    """Name of a store's folder."""
    return digest(parts)[:24]


def cache_source(source: nn.Module, outputs: FrozenOutputs, taps: Sequence[str]) -> None:
    """Makes a frozen source give these taps from its cached outputs where the views are known.

    Args:
        source: The source.
        outputs: Where they are cached.
        taps: What the regularisers read.
    """
    forward = source.forward

    def compute(images: Tensor) -> dict[str, Tensor]:
        found = forward(images)
        return {tap: found[tap] for tap in taps}

    source.forward = lambda images: outputs(images, compute)


def frozen_stages(backbone: nn.Module) -> int:
    """Number of the first stages that never change, parameters frozen, batch norm in eval mode, and behind which the
    rest can be computed by itself: of a ResNet all that are frozen, of another network all stages or none."""
    layers = residual_stages(backbone)
    if isinstance(backbone, Tapped):
        return backbone.frozen_taps if layers or backbone.frozen_taps == backbone.tap_count else 0
    return min(max(0, getattr(backbone, 'frozen_stages', -1)), len(layers))


def cache_stages(backbone: nn.Module, outputs: FrozenOutputs) -> None:
    """Makes an encoder start behind its frozen stages, from their cached output.

    Only the last of several outputs is then given where the frozen stages' own are not there, so the head must use
    the last one, as HeatmapHead does.
    """
    count, forward = frozen_stages(backbone), backbone.forward
    layers = residual_stages(backbone)

    def start(images: Tensor) -> dict[str, Tensor]:
        if not layers:
            return {f'stage{count}': forward(images)[-1]}
        x = backbone.stem(images) if backbone.deep_stem else backbone.relu(backbone.norm1(backbone.conv1(images)))
        x = backbone.maxpool(x)
        for name in layers[:count]:
            x = getattr(backbone, name)(x)
        return {f'stage{count}': x}

    def run(images: Tensor) -> tuple[Tensor, ...]:
        if outputs.views is None:
            return forward(images)
        x = outputs(images, start)[f'stage{count}']
        for name in layers[count:]:
            x = getattr(backbone, name)(x)
        return (x,)

    backbone.forward = run


def stage_modules(backbone: nn.Module) -> list[nn.Module]:
    """Stem and frozen stages: what their output depends on."""
    layers = residual_stages(backbone)
    if not layers:
        return [backbone]
    stem = [backbone.stem] if backbone.deep_stem else [backbone.conv1, backbone.norm1]
    return [*stem, *(getattr(backbone, name) for name in layers[:frozen_stages(backbone)])]
