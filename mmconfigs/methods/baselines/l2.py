"""FT with weight decay: all weights are drawn towards 0 (the L2 baseline of Li, Grandvalet, Davoine 2018)."""
_base_ = '../ft.py'
optim_wrapper = dict(optimizer=dict(weight_decay=1e-4))
