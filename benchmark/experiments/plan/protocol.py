"""What a reader has to know of how a run trains."""

from __future__ import annotations

from typing import Any

from mmengine.config import Config

from .encoder import STRIDE, TAPPED, pretrained
from .network import architecture, described


def protocol(cfg: Config) -> dict[str, Any]:
    """What a reader has to know of how a run trains, by plain names; None where it has no such part."""
    model, train = cfg.model, cfg.train_dataloader
    view = next((step for step in train.dataset.pipeline if step.type == 'DrawView'), {})
    optimizer, schedule = cfg.optim_wrapper.optimizer, cfg.param_scheduler[0]
    backbone, head = model.backbone, model.head
    parts = dict(
        input_size=list(train.dataset.input_size), resize=train.dataset.get('resize', 'squeeze'),
        batch_size=train.batch_size, epochs=cfg.train_cfg.max_epochs,
        optimizer=optimizer.type, learning_rate=optimizer.get('lr'), schedule=f'{schedule.type}, per iteration',
        schedule_power=schedule.get('power'),
        precision='bfloat16' if cfg.optim_wrapper.get('type') == 'AutocastOptimWrapper' else 'float32',
        view_flip=view.get('flip'), view_scales=list(view.get('scale_range') or view.get('scales', ())),
        **{f'view_{key}' if key != 'views' else key: view[key] for key in ('rotation', 'shift', 'views')
           if view.get(key)},
        **({'view_scales_between': True} if view.get('scale_range') and not any(
            view.get(key) for key in ('rotation', 'shift', 'views')) else {}),
        **({'drop_last': True} if train.get('drop_last') else {}),
        heatmap_sigma=head.decoder.sigma, decoding=head.decoder.decoding, heatmap_loss=head.loss.reduction,
        network=described(architecture(backbone)) if backbone.type == TAPPED else (
            f'{backbone.type}-{backbone.depth}' if 'depth' in backbone else backbone.type),
        width=backbone.get('base_channels', backbone.get('channels')), stacks=backbone.get('num_stacks'),
        decoder_channels=list(head.get('deconv_out_channels') or ()) or None,
        frozen_stages=backbone.get('frozen_stages'),
        batch_norm_frozen=backbone.get('norm_eval'),
        encoder_starts_from='source' if pretrained(backbone) else 'random weights',
        **(dict(encoder_stride=STRIDE * 2 ** len(head.deconv_out_channels)) if backbone.type == TAPPED else {}),
        **_changes_of_training(cfg))
    if model.get('source', {}).get('logits'):
        parts['class_scores'] = f'{model.source.logits} features of the source'
    for name, loss in head.get('transfer', {}).items():
        parts[f'regulariser_{name}'] = ', '.join(f'{k} {v}' if k != 'type' else str(v) for k, v in loss.items())
    return parts


def _changes_of_training(cfg: Config) -> dict[str, Any]:
    """What a method changes in the training besides model and losses; nothing of what it leaves alone."""
    found = {}
    norm = cfg.model.backbone.get('norm_cfg') or {}
    if norm.get('type', 'BN') != 'BN':
        found['encoder_normalisation'] = ', '.join(str(v) if k == 'type' else f'{k} {v}' for k, v in norm.items()
                                                   if k != 'requires_grad')
    if not norm.get('requires_grad', True):
        found['batch_norm_affine_frozen'] = True
    if decay := cfg.optim_wrapper.optimizer.get('weight_decay'):
        found['weight_decay'] = decay
    if decay := (cfg.optim_wrapper.get('paramwise_cfg') or {}).get('stage_decay'):
        found['learning_rate_factor_per_stage'] = decay
    for hook in cfg.get('custom_hooks', ()):
        if hook.type in ('LPFTHook', 'WiseFTHook'):
            found['encoder_frozen_share'] = hook.get('share', 0.5)
            found['schedule_restarts'] = hook.get('restart', False)
        if hook.type == 'WiseFTHook':
            found['fine_tuned_weight'] = hook.get('alpha', 0.5)
        if hook.type in ('AveragedWeightsHook', 'EMAHook'):
            found['weights_averaged'] = ', '.join(str(v) if k == 'ema_type' else f'{k} {v}' for k, v in hook.items()
                                                  if k != 'type')
    return found
