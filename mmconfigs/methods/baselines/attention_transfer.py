"""Attention transfer (Zagoruyko & Komodakis 2017), all four stages."""
_base_ = ['../../_base_/models/ctd.py', '../../_base_/datasets/landmarks_256.py',
          '../../_base_/schedules/adam_poly_150e.py', '../../_base_/default_runtime.py']
model = dict(head=dict(transfer=dict(
        at=dict(type='AttentionTransferLoss', weight=2.0))))
