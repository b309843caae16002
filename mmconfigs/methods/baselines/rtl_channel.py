"""Channel attention at the encoder's output (after the abstract of Fu et al. 2021)."""
_base_ = ['../../_base_/models/ctd.py', '../../_base_/datasets/landmarks_256.py',
          '../../_base_/schedules/adam_poly_150e.py', '../../_base_/default_runtime.py']
model = dict(head=dict(transfer=dict(
        ca=dict(type='ChannelAttentionLoss', weight=0.002))))
