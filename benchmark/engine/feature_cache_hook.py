"""Caches what frozen networks give for each view of the training images."""

from __future__ import annotations

import contextlib
import hashlib
from importlib.metadata import PackageNotFoundError, version

import cv2
import torch
from mmengine.hooks import Hook
from mmpose.registry import HOOKS
from torch import nn

from benchmark.datasets.prepared import fingerprint
from benchmark.datasets.views import NUMBERED, numbered_views
from benchmark.numerics import NUMERICS, deciding_digest
from benchmark.utils.feature_store import features_folder, used_bytes

from .frozen_forward import (
    PRECISIONS,
    FrozenOutputs,
    cache_source,
    cache_stages,
    frozen_stages,
    key_of,
    stage_modules,
    structure,
    weights_digest,
)
from .matrix_convolution import uses_matrix_products
from .unwrap import unwrapped


@HOOKS.register_module()
class FeatureCacheHook(Hook):
    """Computes the frozen source, and an encoder's frozen stages, once per view, and caches it on the disk.

    Cached are the taps of a CTDPoseEstimator's source that a regulariser reads and, with ``frozen_stages`` (FE, FTP),
    the last frozen stage of a ResNet; of any other network what FE reads, its last stage. Stores are shared by all
    runs, methods and seeds with the same network, data and views; several may fill one at the same time. Where the
    views are not discrete, another transform may change the image, the source's batch norm follows the batch, or there
    is no room, everything is computed on the fly, and the log says so.

    Args:
        enabled: False computes everything on the fly.
        limit_gib: Most GiB that all stores together may take.
        precision: ``float32`` (exact) or ``float16`` (half the room; rounded).
        resident_gib: Most GiB of a network's outputs that stay on a GPU after their first use; never more than an
            eighth of its free memory.

    Raises:
        ValueError: An unknown precision, a limit that is not above 0.
    """

    priority = 'VERY_LOW'

    def __init__(self, enabled: bool = True, limit_gib: float = 20.0, precision: str = 'float32',
                 resident_gib: float = 8.0) -> None:
        if precision not in PRECISIONS:
            raise ValueError(f'FeatureCacheHook: precision={precision!r} is unknown. Choose one of {[*PRECISIONS]}.')
        if not limit_gib > 0:
            raise ValueError(f'FeatureCacheHook: limit_gib={limit_gib} must be above 0; enabled=False switches it off.')
        self.enabled, self.limit_gib, self.precision = enabled, limit_gib, precision
        self.resident = int(resident_gib * 2**30)
        self.outputs: list[FrozenOutputs] = []

    def before_train(self, runner) -> None:
        """Opens the stores and puts them in front of the frozen networks."""
        model = unwrapped(runner.model)
        source = getattr(model, 'source', None)
        taps = model.head.source_taps if source is not None else ()
        source = source if taps else None
        stages = frozen_stages(getattr(model, 'backbone', None))
        losses = getattr(getattr(model, 'head', None), 'transfer', {}).values()
        if any(tap.startswith('stage') for loss in losses for tap in loss.target_taps):
            # A regulariser reads stages of the encoder, of which only the last one would be given.
            stages = 0
        elif not stages and getattr(getattr(model, 'backbone', None), 'frozen_taps', 0):
            runner.logger.info(f'the first stages of the encoder are frozen and computed on the fly: what is behind '
                               f'them in a {type(model.backbone).__name__} cannot be computed by itself')
        if source is None and not stages:
            return
        dataset = runner.train_dataloader.dataset
        if reason := self._why_not(dataset, source):
            runner.logger.info(f'features are computed on the fly: {reason}')
            return
        batch_size = runner.train_dataloader.batch_size
        view = numbered_views(dataset.pipeline)
        shared = dict(data=fingerprint(dataset.data_root), split=dataset.split, input_size=list(dataset.input_size),
                      views=view.described(), precision=self.precision, batch_size=batch_size,
                      **_resizing(dataset), **_code(), **_arithmetic(model, runner.optim_wrapper))
        rows = dataset.total * view.count
        say = runner.logger.info
        if source is not None:
            about = dict(network='source', structure=structure(source.backbone), weights=weights_digest([source]),
                         mean=source.mean.flatten().tolist(), std=source.std.flatten().tolist(),
                         source_size=source.input_size, **shared)
            cache_source(source, self._outputs(about, rows, say), taps)
        if stages:
            about = dict(network=f'encoder up to stage {stages}', structure=structure(model.backbone),
                         weights=weights_digest(stage_modules(model.backbone)), **shared)
            cache_stages(model.backbone, self._outputs(about, rows, say))

    def _outputs(self, about: dict, rows: int, say) -> FrozenOutputs:
        if not self.enabled:
            self.outputs.append(FrozenOutputs(None, rows, about['batch_size'], self.precision))
            return self.outputs[-1]
        folder = features_folder() / key_of(about)
        taken = used_bytes(features_folder()) - used_bytes(folder)
        limit = int(self.limit_gib * 2**30) - taken
        self.outputs.append(FrozenOutputs(folder, rows, about['batch_size'], self.precision, limit, about, say,
                                          self.resident))
        return self.outputs[-1]

    @staticmethod
    def _why_not(dataset, source) -> str | None:
        """Why nothing can be cached; None where it can."""
        pipeline = getattr(getattr(dataset, 'pipeline', None), 'transforms', [])
        names = [type(step).__name__ for step in pipeline]
        if not hasattr(dataset, 'total') or 'DrawView' not in names:
            return 'the views of this data set have no numbers'
        if other := [name for name in names if name not in NUMBERED]:
            return f'{other[0]} may change the image'
        if next(step for step in pipeline if type(step).__name__ == 'DrawView').count is None:
            return 'scales are drawn from an interval'
        if source is not None and getattr(source, 'batch_norm', 'eval') != 'eval':
            return "the source's batch norm follows the batch"
        return None

    def before_train_iter(self, runner, batch_idx: int, data_batch=None) -> None:
        """Says which views the batch has."""
        if self.outputs:
            views = [sample.metainfo.get('view_row') for sample in data_batch['data_samples']]
            for outputs in self.outputs:
                outputs.views = None if None in views else views

    def after_train_iter(self, runner, batch_idx: int, data_batch=None, outputs=None) -> None:
        """Tests and validations have views of their own."""
        for cached in self.outputs:
            cached.views = None


def _resizing(dataset) -> dict:
    """How images get the input's proportions, where it is not as a data set does it anyway."""
    resize = getattr(dataset, 'resize', 'squeeze')
    return {} if resize == 'squeeze' else dict(resize=resize)


def _code() -> dict:
    """The code that reads images, draws views and computes what is cached: ours, by number and text, and that
    of the packages that decode.

    A store is cheap to fill again, so that here the text alone decides too: whoever edits a view need not remember.
    """
    built = hashlib.sha256(cv2.getBuildInformation().encode()).hexdigest()[:8]
    decoders = dict(opencv=f'{cv2.__version__} {built}')
    for name in ('numpy', 'pillow', 'pydicom'):
        with contextlib.suppress(PackageNotFoundError):
            decoders[name] = version(name)
    return dict(numerics=NUMERICS, deciding=deciding_digest(), decoders=decoders)


def _arithmetic(model: nn.Module, optim_wrapper) -> dict:
    """What the last bits of a result depend on, besides weights and images."""
    device = next(model.parameters()).device
    kind = torch.cuda.get_device_name(device) if device.type == 'cuda' else torch.backends.cpu.get_cpu_capability()
    # Single places follow their maps (ChannelsLastHook), which decides the order in which rows are cached.
    last = any(value.dim() == 4 and not value.is_contiguous() for value in model.parameters()) and 'but single places'
    preprocessor = model.data_preprocessor
    normalise = getattr(preprocessor, '_enable_normalize', False)
    return dict(torch=torch.__version__, device=f'{device.type} {kind}', threads=torch.get_num_threads(),
                channels_last=last, matrix_products=uses_matrix_products(model),
                autocast=str(getattr(optim_wrapper, 'cast_dtype', None)),
                normalisation=[preprocessor.mean.flatten().tolist(), preprocessor.std.flatten().tolist()]
                if normalise else None)
