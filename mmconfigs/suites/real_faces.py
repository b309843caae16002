"""real_faces: the seven methods on a prepared set (--data-root), with all, 20 and 10 labels, from a network that knows
faces (--source, --source-data); landmarks are read off their heatmaps by DARK, not by the paper's argmax."""
_base_ = './demo.py'
title = 'Seven methods on your own images'
question = 'With few labelled images, does regularising fine-tuning by the source network reduce the error?'
data = dict(_delete_=True, type='prepared', root='{{$CTD_DATA:data/faces}}')
source = dict(known='vggface2_mobilenet', epochs=60,
              data=dict(_delete_=True, type='identities', root='{{$CTD_SOURCE_DATA:data/identities}}'))
settings = dict(
    encoder_stride=16, decoder_channels=128, iterations=300, lr=5e-4, augmentation='affine', drop_last=True,
    decoding='dark', hourglass=dict(num_stacks=2, channels=64))
# The only one that starts from nothing.
methods = dict(hg=dict(settings=dict(iterations=1200, lr=1e-3)))
conditions = dict(
    all=dict(label='all labels'),
    labels_20=dict(label='20 labels', value=20, num_labels=20, iterations=150),
    labels_10=dict(label='10 labels', value=10, num_labels=10, iterations=150))
seeding = dict(all='shared')
analysis = dict(groups=[])
reported = dict(_delete_=True)
