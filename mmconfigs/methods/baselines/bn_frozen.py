"""FT with the encoder's batch norm frozen: statistics and affine parameters."""
_base_ = '../ft.py'
model = dict(backbone=dict(norm_eval=True, norm_cfg=dict(type='BN', requires_grad=False)))
