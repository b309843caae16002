"""The batch size"""
_base_ = './axis.py'
title = 'The batch size'
question = 'Does the order of methods depend on the batch?'
analysis = dict(value_label='batch size')
conditions = {
    f'batch_{size}': dict(label=f'batch {size}', value=size, batch_size=size) for size in (4, 2, 8, 16)}
