"""The reduction of the heatmap loss"""
_base_ = './axis.py'
title = 'The reduction of the heatmap loss'
question = 'Do the regularisers matter beside a loss that is summed?'
conditions = dict(
    mean=dict(label='mean'),
    sum=dict(label='sum (as printed)', cfg_options={'model.head.loss.reduction': 'sum'}))
