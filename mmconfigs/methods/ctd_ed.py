"""CTD-ED: fine-tuning regularised on the encoder's output (equation 4)."""
_base_ = ['../_base_/models/ctd.py', '../_base_/datasets/landmarks_256.py',
          '../_base_/schedules/adam_poly_150e.py', '../_base_/default_runtime.py']
model = dict(head=dict(transfer=dict(
        ed=dict(type='EncoderCosineLoss', weight=0.002, mode='map', reduction='mean'))))
