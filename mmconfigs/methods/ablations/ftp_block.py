"""FTP that trains the encoder's last block only."""
_base_ = '../ft.py'
custom_hooks = [*_base_.custom_hooks, dict(type='FreezeParametersHook', train=('last_block',))]
