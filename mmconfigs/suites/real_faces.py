"""real_faces: the seven methods on a prepared face set (--data-root, --source-data), with all, 20 and 10 labels."""
_base_ = './demo.py'
title = 'Seven methods on real faces'
question = 'With few labelled photographs, does regularising fine-tuning by a face-recognition network help?'
data = dict(_delete_=True, type='prepared', root='{{$CTD_DATA:data/faces}}')
source = dict(data=dict(_delete_=True, type='identities', root='{{$CTD_SOURCE_DATA:data/identities}}'), epochs=30)
settings = dict(_delete_=True, depth=18, input_size=(128, 128), batch_size=4, iterations=900, decoder_channels=128,
                channels_last=True, hourglass=dict(num_stacks=2, channels=64))
conditions = dict(
    all=dict(label='all labels'),
    labels_20=dict(label='20 labels', value=20, num_labels=20, iterations=160),
    labels_10=dict(label='10 labels', value=10, num_labels=10, iterations=160))
design = 'paired'
