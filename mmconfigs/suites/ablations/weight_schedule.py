"""The course of lambda"""
_base_ = './axis.py'
title = 'The course of lambda'
question = 'Should the regularisers act early, late, or throughout?'
conditions = {
    name: dict(label=name, method_options={
        method: {'model.head.weight_schedule': name} for method in ('ctd_cd', 'ctd_ed')})
    for name in ('constant', 'falling', 'rising', 'cosine')}
