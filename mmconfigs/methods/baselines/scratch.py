"""FT's network from random weights (He et al. 2015): what pre-training is worth."""
_base_ = '../ft.py'
model = dict(backbone=dict(init_cfg=dict(_delete_=True, type='Kaiming', layer='Conv2d')))
