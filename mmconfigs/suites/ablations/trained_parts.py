"""What FTP trains"""
_base_ = './axis.py'
title = 'What FTP trains'
question = 'How much of the encoder must follow the target?'
methods = dict(_delete_=True, ft={}, ftp={}, ftp_block=dict(label='FTP, last block'),
               ftp_convolution=dict(label='FTP, last convolution'), fe={})
