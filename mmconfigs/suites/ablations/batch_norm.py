"""Batch norm in target and source"""
_base_ = './axis.py'
title = 'Batch norm in target and source'
question = 'Is it the statistics of small batches that the regularisers act through?'
conditions = dict(
    train=dict(label='target: of the batch'),
    target_eval=dict(label='target: the source\'s', cfg_options={'model.backbone.norm_eval': True}),
    source_train=dict(label='source: of the batch', method_options=dict(
        ctd_cd={'model.source.batch_norm': 'train'}, ctd_ed={'model.source.batch_norm': 'train'})))
