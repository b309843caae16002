"""LwF (Li & Hoiem 2016): the source's classes are not forgotten."""
_base_ = ['../../_base_/models/ctd.py', '../../_base_/datasets/landmarks_256.py',
          '../../_base_/schedules/adam_poly_150e.py', '../../_base_/default_runtime.py']
model = dict(head=dict(transfer=dict(
        lwf=dict(type='LearningWithoutForgettingLoss', weight=0.002, temperature=2.0))))
