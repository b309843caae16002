"""What `demo` and `paper` share: the seven methods, and what is compared."""
question = 'With few labelled images, does regularising fine-tuning by the source network reduce the error?'
methods = dict(fe={}, ftp={}, ft={}, hg={}, ctd_cd={}, ctd_ed={}, ctd_com={})
analysis = dict(threshold=1.2, proposed='ctd_ed', reference='ft', groups=[], reported_images=310)
