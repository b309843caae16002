"""KD (Hinton et al. 2015): the target's classifier follows the source's softened classes."""
_base_ = ['../../_base_/models/ctd.py', '../../_base_/datasets/landmarks_256.py',
          '../../_base_/schedules/adam_poly_150e.py', '../../_base_/default_runtime.py']
model = dict(head=dict(transfer=dict(
        kd=dict(type='KnowledgeDistillationLoss', weight=0.002, temperature=4.0))))
