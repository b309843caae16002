"""LP-FT: the encoder frozen for the first half of the training, then fine-tuned (Kumar et al. 2022)."""
_base_ = '../ft.py'
custom_hooks = [*_base_.custom_hooks, dict(type='LPFTHook', share=0.5)]
