"""RKD (Park et al. 2019), distances and angles between the places of each image: defined at any batch size."""
_base_ = ['../../_base_/models/ctd.py', '../../_base_/datasets/landmarks_256.py',
          '../../_base_/schedules/adam_poly_150e.py', '../../_base_/default_runtime.py']
model = dict(head=dict(transfer=dict(
        rkd=dict(type='RelationalDistillationLoss', weight=0.05, relations='token'))))
