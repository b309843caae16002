"""Control: CTD-ED with lambda = 0; equals FT bit for bit."""
_base_ = '../ctd_ed.py'
model = dict(head=dict(transfer=dict(ed=dict(weight=0.0))))
