"""The seven methods with a ResNet-50"""
_base_ = '../demo.py'
title = 'Seven methods with a ResNet-50'
question = 'Does the order of methods depend on the depth of the encoder?'
settings = dict(depth=50)
