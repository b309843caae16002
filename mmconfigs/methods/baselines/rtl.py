"""Regularised transfer learning (after the abstract of Fu et al. 2021): all four constraints, one lambda."""
_base_ = ['../../_base_/models/ctd.py', '../../_base_/datasets/landmarks_256.py',
          '../../_base_/schedules/adam_poly_150e.py', '../../_base_/default_runtime.py']
model = dict(head=dict(transfer=dict(
        cd=dict(type='ClassDistributionLoss', weight=0.002, temperature=2.0, reduction='sum'),
        ed=dict(type='EncoderCosineLoss', weight=0.002, mode='map', reduction='mean'),
        sa=dict(type='SpatialAttentionLoss', weight=0.002), ca=dict(type='ChannelAttentionLoss', weight=0.002))))
