"""Half precision: what bfloat16 arithmetic (weights in float32) does to the error of fine-tuning."""
_base_ = './axis.py'
title = 'Arithmetic in bfloat16'
question = 'Does training in bfloat16 change the error of fine-tuning?'
methods = dict(_delete_=True, ft={}, ft_bfloat16=dict(
    config='ft', label='FT in bfloat16', cfg_options={'optim_wrapper.type': 'AutocastOptimWrapper'}))
seeds = 10
analysis = dict(margin=dict(ME=0.02))
