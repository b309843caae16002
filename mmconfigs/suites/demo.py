"""demo: the seven methods on synthetic faces, 3 seeds; at most ten minutes on two cores."""
_base_ = './_base_/seven_methods.py'
title = 'Seven methods on synthetic faces'
seeds = 3
data = dict(type='synthetic', train=40, val=16, test=48, image_size=128, seed=0)
source = dict(type='train', data=dict(type='synthetic', identities=64, shots=16, image_size=128, seed=0),
              epochs=8, batch_size=16, lr=1e-3)
settings = dict(depth=18, width=32, input_size=(128, 128), batch_size=4, iterations=300, decoder_channels=64,
                channels_last=True, hourglass=dict(num_stacks=2, channels=32))
workers = 2
analysis = dict(groups=['phenotype'])
# Table 1 of the paper (FR in percent): another, private data set of 310 test images.
reported = dict(
    fe=dict(ME=1.822, SD=0.501, FR=94.52, AUC=0.01), ftp=dict(ME=1.161, SD=0.261, FR=40.32, AUC=0.10),
    ft=dict(ME=0.858, SD=0.238, FR=10.65, AUC=0.29), hg=dict(ME=0.879, SD=0.386, FR=12.58, AUC=0.30),
    ctd_cd=dict(ME=0.842, SD=0.246, FR=5.81, AUC=0.31), ctd_ed=dict(ME=0.830, SD=0.245, FR=7.74, AUC=0.32),
    ctd_com=dict(ME=0.829, SD=0.253, FR=6.45, AUC=0.32))
