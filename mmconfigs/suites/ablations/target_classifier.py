"""The classifier of L_CD"""
_base_ = './axis.py'
title = 'The classifier of L_CD'
question = "Should the classifier follow the target, or stay the source's?"
methods = dict(_delete_=True, ft={}, ctd_cd={})
conditions = dict(
    trained=dict(label='trained (the paper)'),
    frozen=dict(label='frozen', method_options=dict(ctd_cd={'model.head.train_classifier': False})))
