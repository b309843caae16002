"""Converts a public pre-trained network to a source checkpoint that holds tensors only."""

from __future__ import annotations

import argparse

from benchmark.command_line import Parser

FORMATS = ('vggface2', 'torchvision', 'timm', 'tfjs', 'dlib', 'efficientnet_lite', 'mobilenet_v2')
EXAMPLES = """\
examples:
  tools/convert_source.py vggface2 resnet50_ft_weight.pkl sources/vggface2_resnet50.pth
  tools/convert_source.py vggface2 resnet50_ft_dag.pth sources/vggface2_resnet50.pth --channel-order rgb
  tools/convert_source.py torchvision resnet18.pth sources/imagenet_resnet18.pth
  tools/convert_source.py timm pytorch_model.bin sources/timm_resnet50.pth --mean 127.5 127.5 127.5 \\
                          --std 127.5 127.5 127.5
  tools/convert_source.py dlib dlib_face_recognition_resnet_model_v1.dat sources/dlib.pth --faces my_faces
  tools/convert_source.py tfjs faceres.json sources/mobilenet.pth --channel-order bgr \\
                          --mean 123.68 116.779 103.939 --std 1 1 1

formats:
  vggface2     the VGGFace2 ResNets: a pickled dict of numpy arrays or a torch state dict, with torch-style
               names (layer1.0.conv1.weight) or Caffe's (conv2_1_1x1_reduce.weight)
  torchvision  a state dict of a ResNet (18, 34, 50, 101, 152)
  timm         the same; for weights not trained with ImageNet's mean and deviation give --mean and --std
  tfjs         the .json file of a TensorFlow.js graph or layers model of MobileNet v1, its weights beside it, quantised
               or not; it does not say what its images look like: --channel-order, --mean and --std must
  dlib         dlib_face_recognition_resnet_model_v1.dat
  efficientnet_lite
               a state dict of EfficientNet-Lite0 with names such as _blocks.0._depthwise_conv.weight
  mobilenet_v2 a state dict of torchvision's MobileNet v2

State dicts may be torch files, pickles of numpy arrays or safetensors files, by their content.

tfjs and dlib files have their batch norms folded away. They are put back so that the network computes the same; their
statistics, which training in batches starts from, are measured on the faces of --faces.

exit codes: 0 converted, 2 not converted (the reason is on stderr). Nothing in SRC is executed.
"""


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """Reads the command line."""
    parser = Parser(description=__doc__, epilog=EXAMPLES,
                    formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('format', metavar='FORMAT', choices=FORMATS, help=f'one of {", ".join(FORMATS)}')
    parser.add_argument('src', metavar='SRC', help='the pre-trained network')
    parser.add_argument('dst', metavar='DST', help='the checkpoint to write')
    parser.add_argument('--overwrite', action='store_true', help='replace DST where it exists')
    parser.add_argument('--no-classifier', action='store_true', help='convert the encoder only')
    parser.add_argument('--prefix', help="prefix of the network's parameter names in SRC, such as 'encoder_q.'; "
                                         'found where SRC holds one network')
    parser.add_argument('--channel-order', choices=('auto', 'rgb', 'bgr'), default='auto',
                        help='channel order that SRC expects; auto (the default) is bgr for vggface2 with torch-style '
                             'names, rgb for all others. DST always takes RGB')
    parser.add_argument('--faces', default='synthetic', metavar='FOLDER',
                        help='face crops that statistics of folded batch norms are measured on: some dozens, like '
                             "those that will be trained on; default: 'synthetic', the suite's drawn faces; 'none' "
                             'sets mean 0 and variance 1, from which training starts badly')
    for name in ('mean', 'std'):
        parser.add_argument(f'--{name}', nargs=3, type=float, metavar=('R', 'G', 'B'),
                            help='normalisation in 0..255, where it is not the default of FORMAT')
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    arguments = parse_arguments(argv)
    import benchmark
    benchmark.register()
    from benchmark.models.convert import ConversionError, convert
    from benchmark.utils.refusals import refuse
    try:
        meta = convert(arguments.format, arguments.src, arguments.dst, overwrite=arguments.overwrite,
                       classifier=not arguments.no_classifier, channel_order=arguments.channel_order,
                       mean=arguments.mean, std=arguments.std, prefix=arguments.prefix, faces=arguments.faces)
    except ConversionError as error:
        return refuse(error)
    arch, flipped = meta['arch'], ' (the source took BGR)' if meta['source_channel_order'] == 'bgr' else ''
    network = f'{arch["type"]}-{arch["depth"]}' if 'depth' in arch else arch['type']
    statistics = meta.get('statistics')
    measured = f'batch norms {statistics}, ' if statistics else ''
    print(f'{arguments.dst}: {network}, {meta["num_classes"]} classes, input RGB{flipped}, {measured}source sha256 '
          f'{meta["source_sha256"]}')
    return 0
