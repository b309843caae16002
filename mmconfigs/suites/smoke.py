"""smoke: all seven methods once, tiny; shows that everything from data to report works. Its numbers mean nothing."""
_base_ = './demo.py'
title = 'Smoke test: everything runs'
question = 'Does every part run?'
caution = 'The numbers mean nothing: eight steps of training.'
seeds = 1
data = dict(train=16, val=4, test=12, image_size=64)
source = dict(data=dict(identities=8, shots=8, image_size=64), epochs=2, batch_size=16)
settings = dict(input_size=(64, 64), iterations=8)
