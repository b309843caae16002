"""FE: feature extraction, the encoder frozen (stages 1-4, batch norm in eval mode)."""
_base_ = './ft.py'
model = dict(backbone=dict(frozen_stages=4))
