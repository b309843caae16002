"""The decoding of heatmaps"""
_base_ = './axis.py'
title = 'The decoding of heatmaps'
question = 'Does a finer decoder change the order of methods?'
conditions = {
    name: dict(label=name, decoding=name) for name in ('argmax', 'quarter', 'dark')}
