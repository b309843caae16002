"""Converts a public pre-trained network to a source checkpoint that holds tensors only.

Reads, without running anything that is in the file:

- ``vggface2``: the VGGFace2 networks, as a pickled dict of numpy arrays (``resnet50_ft_weight.pkl``) or a
  torch state dict, with torch-style names (``layer1.0.conv1.weight``, ``fc.weight``) or Caffe's
  (``conv2_1_1x1_reduce.weight``, ``classifier.weight``);
- ``torchvision`` and ``timm``: state dicts of the plain ResNets (18, 34, 50, 101, 152);
- ``efficientnet_lite``: an EfficientNet-Lite0 with the names of the PyTorch ports;
- ``mobilenet_v2``: a MobileNet v2 with torchvision's names;
- any of these as a safetensors file;
- ``tfjs``: MobileNet v1 as a TensorFlow.js graph or layers model, quantised or not;
- ``dlib``: dlib's face recognition network.

The checkpoint is ``dict(meta, state_dict)``: ``backbone.*`` as the backbone names its tensors,
``classifier.weight`` (C, d) and ``classifier.bias`` (C,), and ``embedding.*`` of the module that
``meta['embedding']`` names. Its input is RGB, normalised as ``meta['normalisation']`` says. It loads with
``torch.load(weights_only=True)``.

Symbols: C: source classes, d: width of the embedding, or of the encoder without one (2048 for ResNet-50).
"""

from .conversion import CHANNEL_ORDERS, FORMAT_VERSION, FORMATS, convert
from .errors import ConversionError
from .reading import read_source
from .resnet import IMAGENET_NORMALISATION, build_architecture, rename, unwrap

__all__ = ['CHANNEL_ORDERS', 'FORMATS', 'FORMAT_VERSION', 'IMAGENET_NORMALISATION', 'ConversionError',
           'build_architecture', 'convert', 'read_source', 'rename', 'unwrap']
