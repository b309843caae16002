"""HG: Newell's stacked hourglass from scratch, 2 stacks."""
_base_ = './ft.py'
model = dict(
    backbone=dict(_delete_=True, type='StackedHourglass', num_stacks=2, num_blocks=1, channels=256, out_channels=14),
    head=dict(_delete_=True, type='HourglassHead', out_channels=14, loss={{_base_.model.head.loss}},
              decoder={{_base_.model.head.decoder}}))
