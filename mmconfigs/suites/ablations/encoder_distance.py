"""The form of L_ED"""
_base_ = './axis.py'
title = 'The form of L_ED'
question = 'What should be compared of two encoders?'
methods = dict(_delete_=True, ft={}, ctd_ed={})
conditions = dict(
    map=dict(label='whole map (the paper)'),
    pooled=dict(label='pooled vector', method_options=dict(ctd_ed={'model.head.transfer.ed.mode': 'pooled'})),
    location=dict(label='each place', method_options=dict(ctd_ed={'model.head.transfer.ed.mode': 'location'})),
    literal=dict(label='sum over the batch', method_options=dict(ctd_ed={'model.head.transfer.ed.reduction': 'sum'})))
