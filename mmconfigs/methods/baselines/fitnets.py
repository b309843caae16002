"""FitNets (Romero et al. 2015): a hint of the source through a learnt regressor."""
_base_ = ['../../_base_/models/ctd.py', '../../_base_/datasets/landmarks_256.py',
          '../../_base_/schedules/adam_poly_150e.py', '../../_base_/default_runtime.py']
model = dict(head=dict(transfer=dict(
        fitnets=dict(type='FitNetsLoss', weight=0.002, stage='stage2'))))
