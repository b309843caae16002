"""The seven methods from a source that never learnt anything"""
_base_ = '../demo.py'
title = 'Seven methods from a random source'
question = 'Is it the knowledge of the source that helps, or being held to anything?'
source = dict(_delete_=True, type='random', seed=0, num_classes=64)
