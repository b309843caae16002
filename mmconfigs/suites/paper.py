"""paper: Table 1's protocol at full size, for GPUs: ResNet-50, 256 px, 150 epochs, batch 2, 5 seeds."""
_base_ = './_base_/seven_methods.py'
title = "The paper's protocol"
seeds = 5
data = dict(type='prepared', root='{{$CTD_DATA:data/faces}}')
source = dict(type='checkpoint', path='{{$CTD_SOURCE:sources/vggface2.pth}}')
execution = dict(keep_checkpoints=True)
