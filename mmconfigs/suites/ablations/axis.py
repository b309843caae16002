"""What the ablation suites share: synthetic faces, five paired seeds, fine-tuning beside the regularised methods."""
_base_ = '../demo.py'
methods = dict(_delete_=True, ft={}, ctd_cd={}, ctd_ed={})
seeds = 5
seeding = dict(all='shared')
analysis = dict(proposed=None, reference='ft', groups=[])
