"""FT with a learning rate that falls by 2.6 per stage from the head down (Howard, Ruder 2018)."""
_base_ = '../ft.py'
optim_wrapper = dict(constructor='StageDecayOptimWrapperConstructor', paramwise_cfg=dict(stage_decay=1 / 2.6))
