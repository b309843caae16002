"""FT tested with an exponential moving average of its weights (Polyak, Juditsky 1992; Tarvainen, Valpola 2017)."""
_base_ = '../ft.py'
custom_hooks = [*_base_.custom_hooks, dict(type='AveragedWeightsHook', ema_type='MomentumAnnealingEMA',
                                           momentum=0.001, gamma=9, update_buffers=True)]
