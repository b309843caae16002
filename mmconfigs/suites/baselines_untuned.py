"""baselines_untuned: all of them at the weights of their configs, in a third of the runs; who is first may be luck."""
_base_ = './baselines.py'
title = 'Cross-task regularisation against its baselines, none of them tuned'
tuning = dict(_delete_=True)
