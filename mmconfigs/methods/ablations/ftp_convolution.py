"""FTP that trains the encoder's last convolution only."""
_base_ = '../ft.py'
custom_hooks = [*_base_.custom_hooks, dict(type='FreezeParametersHook', train=('last_convolution',))]
