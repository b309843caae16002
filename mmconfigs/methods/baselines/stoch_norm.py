"""FT with stochastic normalisation in the encoder (Kou et al. 2020)."""
_base_ = '../ft.py'
model = dict(backbone=dict(norm_cfg=dict(type='StochNorm', requires_grad=True, p=0.5)))
