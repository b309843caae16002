"""L2-SP (Li et al. 2018): weights stay near their starting point."""
_base_ = ['../../_base_/models/ctd.py', '../../_base_/datasets/landmarks_256.py',
          '../../_base_/schedules/adam_poly_150e.py', '../../_base_/default_runtime.py']
model = dict(head=dict(transfer=dict(
        l2_sp=dict(type='L2SPLoss', weight=0.002, alpha=0.1, beta=0.01))))
