"""Linear CKA (Kornblith et al. 2019) between the places of each image: defined at any batch size."""
_base_ = ['../../_base_/models/ctd.py', '../../_base_/datasets/landmarks_256.py',
          '../../_base_/schedules/adam_poly_150e.py', '../../_base_/default_runtime.py']
model = dict(head=dict(transfer=dict(
        cka=dict(type='CKALoss', weight=0.002, relations='token'))))
