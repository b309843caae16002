"""FTP: fine-tuning parts, only the encoder's last stage is trained."""
_base_ = './ft.py'
model = dict(backbone=dict(frozen_stages=3))
