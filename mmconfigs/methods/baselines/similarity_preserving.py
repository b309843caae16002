"""Similarity preserving (Tung & Mori 2019): inner products between the images of a batch."""
_base_ = ['../../_base_/models/ctd.py', '../../_base_/datasets/landmarks_256.py',
          '../../_base_/schedules/adam_poly_150e.py', '../../_base_/default_runtime.py']
model = dict(head=dict(transfer=dict(
        sp=dict(type='SimilarityPreservingLoss', weight=6.0))))
