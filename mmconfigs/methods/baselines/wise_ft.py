"""WiSE-FT: the mean of the weights before and after fine-tuning, of one LP-FT training (Wortsman et al. 2022)."""
_base_ = '../ft.py'
custom_hooks = [*_base_.custom_hooks, dict(type='WiseFTHook', share=0.5, alpha=0.5)]
