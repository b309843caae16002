"""Control: CTD-ED held to a random frozen network; tells the source's knowledge from mere anchoring."""
_base_ = '../ctd_ed.py'
model = dict(source=dict(checkpoint='random'))
