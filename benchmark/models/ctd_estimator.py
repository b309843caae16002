"""Cross-task regularised pose estimation: the target network beside a frozen source."""

from __future__ import annotations

import copy

import torch
from mmpose.models.pose_estimators import TopdownPoseEstimator
from mmpose.registry import MODELS
from torch import Tensor

from .ctd_head import CTDHead
from .source import SourceError, stage_taps
from .transfer import TransferContext

#: Prefixes of what only training needs: neither saved in a checkpoint nor asked for by one.
TRAINING_ONLY = ('source.', 'head.classifier.', 'head.transfer.')


@MODELS.register_module()
class CTDPoseEstimator(TopdownPoseEstimator):
    """TopdownPoseEstimator whose training is regularised by a frozen source network (equation 2).

    The source is a submodule, so it follows ``.to()``, autocast and DDP; its forward sits here because heads never
    see images. Everything that a plain TopdownPoseEstimator has is built and initialised as there, with the same
    random numbers; with all weights 0 the trained network equals fine-tuning bit for bit.

    Where no regulariser reads a tap of the source, the source's forward does not run.

    Logged beside ``loss_kpt`` (L_R), per regulariser: ``loss_<name>`` (weighted), ``raw_<name>``, and every
    ``gradient_interval`` iterations ``ratio_<name>``: the norm of the weighted regulariser's gradient over that of
    L_R, both with respect to the trained encoder's parameters.

    Args:
        source: Config of a :class:`FrozenSource`.
        gradient_interval: Iterations between two measurements of the gradients; 0 for none.
        kwargs: TopdownPoseEstimator's arguments; ``head`` is a :class:`CTDHead`.

    Raises:
        SourceError: The source is missing, does not fit or lacks a tap.
    """

    def __init__(self, source: dict, gradient_interval: int = 50, **kwargs) -> None:
        super().__init__(**kwargs)
        if not isinstance(self.head, CTDHead):
            raise SourceError(f'model.head: {type(self.head).__name__} is no CTDHead. Set head.type to CTDHead.')
        self.gradient_interval = gradient_interval
        self.progress = 0.0
        self.iterations = 0
        self.source = MODELS.build(source)
        self.stages = stage_taps(self.backbone)
        self.head.attach(self.source, self.backbone)
        self._register_state_dict_hook(_drop_training_only)
        self.register_load_state_dict_post_hook(_forgive_training_only)

    def init_weights(self) -> None:
        """Initialises the target as TopdownPoseEstimator does; the source keeps its weights."""
        source = self._modules.pop('source')
        try:
            super().init_weights()
        finally:
            self._modules['source'] = source

    def training_state(self) -> dict[str, Tensor]:
        """State of what only training needs and that changes: g^t and the regularisers' own. For resuming."""
        classifier = {} if self.head.classifier is None else self.head.classifier.state_dict(prefix='classifier.')
        return {**classifier, **self.head.transfer.state_dict(prefix='transfer.')}

    def load_training_state(self, state: dict[str, Tensor]) -> None:
        """Restores what :meth:`training_state` gave."""
        for name in ('classifier', 'transfer'):
            module = getattr(self.head, name)
            part = {k[len(name) + 1:]: v for k, v in state.items() if k.startswith(name + '.')}
            if module is not None and part:
                module.load_state_dict(part)

    def loss(self, inputs: Tensor, data_samples: list) -> dict[str, Tensor]:
        """Equation 2.

        Args:
            inputs: Normalised images (B, 3, H, W).
            data_samples: MMPose data samples with true heatmaps and weights.

        Returns:
            ``loss_kpt`` and per regulariser the values named in the class's docstring, scalars.
        """
        features = self.extract_feat(inputs)
        features = features if isinstance(features, (tuple, list)) else (features,)
        heatmaps = self.head(features)
        losses = dict(loss_kpt=self.head.heatmap_loss(heatmaps, data_samples))
        context = TransferContext(
            source=self.source(self.denormalise(inputs)) if self.head.source_taps else {},
            target=self.head.taps(features, self.stages),
            source_module=self.source, target_module=self, data_samples=data_samples, heatmaps=heatmaps,
            progress=self.progress)
        values = self.head.regularise(context)
        for name, (raw, weighted) in values.items():
            losses[f'loss_{name}'] = weighted
            losses[f'raw_{name}'] = raw.detach()
        if self.measures_gradients:
            losses.update(self._gradient_ratios(losses['loss_kpt'], values))
        self.iterations += self.training
        return losses

    @property
    def measures_gradients(self) -> bool:
        """Whether the next step measures the gradients of the parts of the loss."""
        return self.training and self.gradient_interval > 0 and self.iterations % self.gradient_interval == 0

    def denormalise(self, inputs: Tensor) -> Tensor:
        """Normalised inputs back to RGB in 0..255; the source has a normalisation of its own."""
        preprocessor = self.data_preprocessor
        if not getattr(preprocessor, '_enable_normalize', False):
            return inputs
        return inputs * preprocessor.std + preprocessor.mean

    def _gradient_ratios(self, regression: Tensor, values: dict) -> dict[str, Tensor]:
        parameters = [p for p in self.backbone.parameters() if p.requires_grad]
        if not parameters:
            return {}

        def norm(value: Tensor) -> Tensor:
            if not value.requires_grad:
                return value.new_zeros(())
            gradients = torch.autograd.grad(value, parameters, retain_graph=True, allow_unused=True)
            squares = [g.square().sum() for g in gradients if g is not None]
            return torch.stack(squares).sum().sqrt() if squares else value.new_zeros(())

        reference = norm(regression)
        return {f'ratio_{name}': norm(weighted) / reference for name, (_, weighted) in values.items()}


def _drop_training_only(module, state: dict, prefix: str, metadata: dict) -> dict:
    for key in [k for k in state if k.startswith(tuple(prefix + p for p in TRAINING_ONLY))]:
        del state[key]
    return state


def _forgive_training_only(module, incompatible) -> None:
    missing = incompatible.missing_keys
    missing[:] = [k for k in missing if not any(k.startswith(p) or f'.{p}' in k for p in TRAINING_ONLY)]


def plain_model(model: dict) -> dict:
    """The config of the plain TopdownPoseEstimator that a CTD checkpoint loads into; the source is not needed.

    Args:
        model: A model config of any method; one that is not CTD's is returned as a copy.
    """
    model = copy.deepcopy(model)
    if model.get('type') == 'CTDPoseEstimator':
        model['type'] = 'TopdownPoseEstimator'
        for key in ('source', 'gradient_interval'):
            model.pop(key, None)
        model['head']['type'] = 'HeatmapHead'
        for key in ('transfer', 'train_classifier', 'weight_schedule'):
            model['head'].pop(key, None)
    model.get('backbone', {}).pop('init_cfg', None)
    return model
