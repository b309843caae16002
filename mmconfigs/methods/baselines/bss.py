"""BSS (Chen et al. 2019): the smallest singular value of the batch's features is suppressed."""
_base_ = ['../../_base_/models/ctd.py', '../../_base_/datasets/landmarks_256.py',
          '../../_base_/schedules/adam_poly_150e.py', '../../_base_/default_runtime.py']
model = dict(head=dict(transfer=dict(
        bss=dict(type='SpectralShrinkageLoss', weight=2e-6, k=1))))
