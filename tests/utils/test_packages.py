"""Packages that a config names and that are not installed: one line, wherever a network is built."""

import copy

import pytest

from benchmark.utils.packages import lacking

MODEL = dict(type='TopdownPoseEstimator', backbone=dict(type='absent_models.ConvNeXt'), heads=[dict(type='mmpose.X')])


def test_which_and_what_to_do():
    assert lacking(MODEL) == ('absent_models.ConvNeXt: needs the package absent_models, which is not installed here. '
                              'Install it (pip install absent_models).')
    assert lacking(dict(type='numpy.Net', more=[dict(type=int), 'a.b'])) is None
    said = lacking([dict(type='mmpretrain.ConvNeXt')])
    assert said is None or 'docs/install.md' in said


def test_a_single_run_says_it(registered):
    from benchmark.commands.single_run import single_config
    from benchmark.commands.train import parser
    args = parser().parse_args(['mmconfigs/methods/ft.py', '--cfg-options',
                                'model.backbone.type=absent_models.ConvNeXt'])
    with pytest.raises(ValueError, match='ft.py: model: absent_models.ConvNeXt: needs the package absent_models, '):
        single_config(args, 'train')


def test_a_kept_network_says_it(tmp_path, registered):
    import torch

    from benchmark.detector.loaded import DetectorError, load_network
    meta = dict(format_version=1, landmarks={}, dataset={}, imports=[], model=copy.deepcopy(MODEL))
    torch.save(dict(meta=meta, state_dict=dict(weight=torch.zeros(1))), tmp_path / 'network.pth')
    with pytest.raises(DetectorError, match='network.pth: absent_models.ConvNeXt: needs the package absent_models, '):
        load_network(tmp_path / 'network.pth', 'cpu')
