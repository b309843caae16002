"""PKD (Cao et al. 2022): one minus the Pearson correlation of each channel."""
_base_ = ['../../_base_/models/ctd.py', '../../_base_/datasets/landmarks_256.py',
          '../../_base_/schedules/adam_poly_150e.py', '../../_base_/default_runtime.py']
model = dict(head=dict(transfer=dict(
        pkd=dict(type='PearsonLoss', weight=0.012, stage='stage4'))))
