"""What a suite is given: the data of the target task, and the source with the faces of its task."""

from dataclasses import dataclass
from typing import Annotated, Literal

from .fields import Part
from .kinds import Count, Positive, Seed, Share, SomeText, number, whole

Side = Annotated[int, whole(16)]
Several = Annotated[int, whole(2)]


@dataclass(frozen=True, kw_only=True)
class SyntheticFaces(Part):
    """Synthetic faces, drawn once and kept.

    Attributes:
        type: Synthetic faces, drawn once and kept.
        train: Training images.
        val: Validation images.
        test: Test images.
        image_size: Width and height in pixels.
        seed: What decides the faces.
        folds: Folds of a cross-validation; all images are dealt out, whatever split they are in. Default: the data are
            split once.
        repeats: How often they are dealt out anew; the suite's `seeds` are these. Default: 1.
        by: What is dealt out: a `subject` with all images, or each `image`.
        balance: Group whose strata are spread evenly over the folds; `group`: the data's first.
    """

    type: Literal['synthetic'] = 'synthetic'
    train: Count = 64
    val: Count = 16
    test: Count = 48
    image_size: Side = 128
    seed: Seed = 0
    folds: Several | None = None
    repeats: Count | None = None
    by: Literal['subject', 'image'] = 'subject'
    balance: SomeText | None = None


@dataclass(frozen=True, kw_only=True)
class PreparedData(Part):
    """Landmarks in a prepared folder.

    Attributes:
        root: The folder (`tools/prepare_data.py`); a relative path starts from the working directory.
        type: A prepared folder.
        folds: Folds of a cross-validation; all images are dealt out, whatever split they are in. Default: the data are
            split once.
        repeats: How often they are dealt out anew; the suite's `seeds` are these. Default: 1.
        by: What is dealt out: a `subject` with all images, or each `image`.
        balance: Group whose strata are spread evenly over the folds; `group`: the data's first.
    """

    type: Literal['prepared'] = 'prepared'
    root: SomeText
    folds: Several | None = None
    repeats: Count | None = None
    by: Literal['subject', 'image'] = 'subject'
    balance: SomeText | None = None


Data = SyntheticFaces | PreparedData


@dataclass(frozen=True, kw_only=True)
class SyntheticIdentities(Part):
    """Synthetic faces of the source task, drawn once and kept.

    Attributes:
        type: Synthetic faces, drawn once and kept.
        identities: Identities to tell apart.
        shots: Images of each.
        image_size: Width and height in pixels.
        seed: What decides the faces.
    """

    type: Literal['synthetic'] = 'synthetic'
    identities: Several = 100
    shots: Several = 20
    image_size: Side = 128
    seed: Seed = 0


@dataclass(frozen=True, kw_only=True)
class IdentityFolder(Part):
    """A folder of images of the source task.

    Attributes:
        root: The folder, with an `index.csv`; a relative path starts from the working directory.
        type: A folder of images by identity.
    """

    type: Literal['identities'] = 'identities'
    root: SomeText


Identities = SyntheticIdentities | IdentityFolder


@dataclass(frozen=True, kw_only=True)
class TrainedSource(Part):
    """A source that is trained here and kept.

    Attributes:
        data: The source task's images.
        type: A source that is trained here and kept.
        epochs: Length of its training. Default: 20.
        batch_size: Images per batch. Default: 32.
        lr: AdamW's learning rate. Default: `1e-3`.
        seed: What decides its initialisation and its order.
        label_smoothing: Share of a target that goes to the other identities. Default: 0.1.
        dropout: Dropout before the classifier. Default: 0.
        weight_decay: AdamW's weight decay. Default: 0.05.
        known: Known source (`tools/get_source.py --list`) that is taken in its place, unless the command line says
            `--source train` or names faces (`--source-data`). Default: none.
        judge: Other people on whom it is judged what the source knows of faces.
    """

    type: Literal['train'] = 'train'
    data: Identities
    epochs: Count | None = None
    batch_size: Count | None = None
    lr: Positive | None = None
    seed: Seed = 0
    label_smoothing: Share | None = None
    dropout: Share | None = None
    weight_decay: Annotated[float, number(0)] | None = None
    known: SomeText | None = None
    judge: IdentityFolder | None = None


@dataclass(frozen=True, kw_only=True)
class GivenSource(Part):
    """A source that is given.

    Attributes:
        path: The checkpoint (`tools/convert_source.py`), or the name of a known source (`tools/get_source.py --list`),
            which is fetched once; a relative path starts from the working directory.
        type: A checkpoint that is given.
        logits: What losses on class scores (L_CD) read: the checkpoint's classifier, or in its place the pooled
            features. Default: the classifier if there is one.
        judge: Other people on whom it is judged what the source knows of faces.
    """

    type: Literal['checkpoint'] = 'checkpoint'
    path: SomeText
    logits: Literal['classifier', 'pooled'] | None = None
    judge: IdentityFolder | None = None


@dataclass(frozen=True, kw_only=True)
class RandomSource(Part):
    """A source that never learnt anything.

    Attributes:
        type: Random weights, never trained (a control).
        seed: Of the weights.
        num_classes: Classes of its classifier.
        judge: Other people on whom it is judged what the source knows of faces.
    """

    type: Literal['random'] = 'random'
    seed: Seed = 0
    num_classes: Several = 64
    judge: IdentityFolder | None = None


Source = TrainedSource | GivenSource | RandomSource
