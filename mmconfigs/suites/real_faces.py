"""real_faces: the seven methods on a prepared set (--data-root, --source-data), with all, 20 and 10 labels;
landmarks are read off their heatmaps by DARK, not by the paper's argmax."""
_base_ = './demo.py'
title = 'Seven methods on your own images'
question = 'With few labelled images, does regularising fine-tuning by the source network reduce the error?'
data = dict(_delete_=True, type='prepared', root='{{$CTD_DATA:data/faces}}')
source = dict(data=dict(_delete_=True, type='identities', root='{{$CTD_SOURCE_DATA:data/identities}}'), epochs=60)
settings = dict(iterations=1800, decoding='dark', hourglass=dict(num_stacks=2, channels=64))
conditions = dict(
    all=dict(label='all labels'),
    labels_20=dict(label='20 labels', value=20, num_labels=20, iterations=240),
    labels_10=dict(label='10 labels', value=10, num_labels=10, iterations=240))
seeding = dict(all='shared')
analysis = dict(groups=[])
reported = dict(_delete_=True)
