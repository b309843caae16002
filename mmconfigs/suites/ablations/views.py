"""Flip and scale"""
_base_ = './axis.py'
title = 'Flip and scale'
question = 'Does the order of methods depend on the augmentation?'
conditions = dict(
    four=dict(label='flip, scales 1 and 0.8'),
    no_flip=dict(label='no flip', cfg_options={'train_dataloader.dataset.pipeline.0.flip': 0.0}),
    no_scale=dict(label='one scale', cfg_options={'train_dataloader.dataset.pipeline.0.scales': (1.0,)}),
    interval=dict(label='scale in [0.8, 1.2]',
                  cfg_options={'train_dataloader.dataset.pipeline.0.scale_range': (0.8, 1.2)}))
