"""Channel-wise distillation (Shu et al. 2021): softmax over the places of each channel."""
_base_ = ['../../_base_/models/ctd.py', '../../_base_/datasets/landmarks_256.py',
          '../../_base_/schedules/adam_poly_150e.py', '../../_base_/default_runtime.py']
model = dict(head=dict(transfer=dict(
        cwd=dict(type='ChannelWiseLoss', weight=0.1, stage='stage4', temperature=4.0))))
