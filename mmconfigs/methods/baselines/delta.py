"""DELTA (Li et al. 2019): feature maps stay near the source's in the channels that the task needs."""
_base_ = ['../../_base_/models/ctd.py', '../../_base_/datasets/landmarks_256.py',
          '../../_base_/schedules/adam_poly_150e.py', '../../_base_/default_runtime.py']
model = dict(head=dict(transfer=dict(
        delta=dict(type='DeltaLoss', weight=0.002, alpha=0.01, beta=0.01))))
