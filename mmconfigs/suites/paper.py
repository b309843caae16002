"""paper: Table 1's protocol at full size, for GPUs: ResNet-50, 256 px, 150 epochs, batch 2, 5 seeds."""
_base_ = './demo.py'
title = "The paper's protocol"
seeds = 5
workers = 1
data = dict(_delete_=True, type='prepared', root='{{$CTD_DATA:data/faces}}')
source = dict(_delete_=True, type='checkpoint', path='{{$CTD_SOURCE:sources/vggface2.pth}}')
settings = dict(_delete_=True)
analysis = dict(groups=[])
reported = dict(_delete_=True)
execution = dict(keep_checkpoints=True)
