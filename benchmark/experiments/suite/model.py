"""What a suite is made of beside its inputs: settings, conditions, methods, analysis, execution, and its page."""

from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

from benchmark.experiments.state.tasks import EXECUTION
from benchmark.statistics.errors import TableError
from benchmark.statistics.options import Options, read_options

from .backbones import BACKBONE, WORDS
from .fields import Mistake, Part, at, changed
from .kinds import (
    ABOVE_0,
    DICT,
    SECONDS,
    ConfigValues,
    Count,
    Kind,
    Names,
    Number,
    Positive,
    Size,
    SomeText,
    number,
    whole,
)
from .seeds import Seeding

Network = Annotated[str | dict[str, Any], BACKBONE]
Engine = Annotated[dict[str, Any], DICT]
Threads = Annotated[int, Kind('a number of threads, 1 or more', whole(1).fits)]


@dataclass(frozen=True)
class Hourglass(Part):
    """Options of the stacked hourglass.

    Attributes:
        num_stacks: Hourglasses after one another. Default: 2.
        num_blocks: Residual blocks at each level. Default: 1.
        channels: Channels of each level. Default: 256.
        depth: Times that an hourglass halves its input. Default: 4.
    """

    num_stacks: Count | None = None
    num_blocks: Count | None = None
    channels: Count | None = None
    depth: Count | None = None


@dataclass(frozen=True)
class FeatureCache(Part):
    """What is kept of frozen networks' outputs; they are computed once per view.

    Attributes:
        enabled: Whether outputs are kept. Default: True.
        limit_gib: Room for them on the disk, GiB. Default: 20.
        precision: What they are kept in. Default: `'float32'`.
        resident_gib: Room for them in memory, GiB. Default: 8.
    """

    enabled: bool | None = None
    limit_gib: Positive | None = None
    precision: Literal['float32', 'float16'] | None = None
    resident_gib: Annotated[float, number(0)] | None = None


@dataclass(frozen=True)
class Settings(Part):
    """What a suite changes of all methods' configs, by name. None stands for what the configs say.

    Attributes:
        backbone: The encoder's network, and the source's; HG has its own. A dict may name modules of the network as
            `taps` (the stages that losses read). Default: a ResNet of `depth` and `width`.
        encoder_stride: Cuts the encoder behind its last map of this stride. Default: where the network ends, 32 for
            most.
        depth: Depth of the ResNet, encoder and source. Default: 50.
        width: Channels of its first stage. Default: 64.
        input_size: Width and height of the network's input: divisible by 32, by 64 with HG. Default:
            `(256, 256)`.
        batch_size: Images per batch. Default: 2.
        epochs: Length of the training; give this or `iterations`. Default: 150.
        iterations: Optimisation steps, rounded up to whole epochs: it trains alike with any number of images.
        lr: Adam's learning rate. Default: `1e-3`.
        power: Power of its decay. Default: 0.9.
        decoding: From heatmap to landmark. Default: `'argmax'`.
        hourglass: Options of HG.
        decoder_channels: Channels of each deconvolution of the decoder. Default: 256.
        channels_last: Whether tensors lie in memory with the channels last. Default: False.
        selection: Which checkpoint is tested. Default: `'last'`.
        val_interval: Epochs between validations. Default: 1 with `best_val`, else none.
        feature_cache: What is kept of frozen networks.
        precision: Arithmetic of the training; weights stay in float32. Default: `'float32'`.
        cuda_graphs: Whether steps are captured as CUDA graphs. Default: False.
        augmentation: Views of the training images. `flip_scale`, the paper's: mirrored or not, at scale 1 or 0.8.
            `affine`: zoomed by 0.8 to 1.2, turned by up to 15 degrees and shifted by up to 6 % as well; 16 views an
            image, so that what frozen networks say about them can be kept. Default: `'flip_scale'`.
        drop_last: Whether the images that fill no batch are left out of an epoch, others in each one. Default: False.
        resize: `squeeze` stretches an image to the input, `letterbox` keeps its proportions and repeats its edges
            beyond it. Default: `'squeeze'`.
        cfg_options: Any value of the methods' configs, by dotted key; a hook by its type
            (`custom_hooks.LPFTHook.share`), a codec at once (`codec.sigma`);
            what the plan decides or writes over is refused.
    """

    backbone: Network | None = None
    encoder_stride: Literal[16, 32] | None = None
    depth: Literal[18, 34, 50, 101, 152] | None = None
    width: Count | None = None
    input_size: Size | None = None
    batch_size: Count | None = None
    epochs: Count | None = None
    iterations: Count | None = None
    lr: Positive | None = None
    power: Positive | None = None
    decoding: Literal['argmax', 'quarter', 'dark'] | None = None
    hourglass: Hourglass | None = None
    decoder_channels: Count | None = None
    channels_last: bool | None = None
    selection: Literal['last', 'best_val'] | None = None
    val_interval: Count | None = None
    feature_cache: FeatureCache | None = None
    precision: Literal['float32', 'bfloat16'] | None = None
    cuda_graphs: bool | None = None
    augmentation: Literal['flip_scale', 'affine'] | None = None
    drop_last: bool | None = None
    resize: Literal['squeeze', 'letterbox'] | None = None
    cfg_options: ConfigValues | None = None

    def check(self, where: str) -> None:
        """See :meth:`.fields.Part.check`."""
        if self.epochs is not None and self.iterations is not None:
            raise Mistake(f'{at(where, "epochs")} and {at(where, "iterations")} both set the length of training. Give '
                          'one, and set the other to None where a base suite has it.')
        word = self.backbone if isinstance(self.backbone, str) else None
        resnet = word is not None and WORDS[word].network['type'] == 'ResNet'
        for name in ('depth', 'width'):
            if self.backbone is not None and getattr(self, name) is not None and (name, resnet) != ('width', True):
                raise Mistake(f'{at(where, "backbone")} names the whole network, {at(where, name)} sets the {name} of '
                              'the usual ResNet. Give one, and set the other to None where a base suite has it.')

    def under(self, condition: 'Settings') -> 'Settings':
        """The settings of a condition, or of a method under it: these with its own; of the two lengths of training, and
        of a backbone beside depth and width, its own counts."""
        own = {name: getattr(condition, name) for name in condition.given if name in SETTINGS}
        gone = set()
        if {'epochs', 'iterations'} & set(own):
            gone |= {'epochs', 'iterations'}
        if own.get('backbone') is not None:
            gone |= {'depth', 'width'}
        result = {name: getattr(self, name) for name in SETTINGS if name not in gone} | own
        if self.cfg_options and 'cfg_options' in own:
            result['cfg_options'] = self.cfg_options | (condition.cfg_options or {})
        if self.hourglass and 'hourglass' in own:
            more = condition.hourglass.given if condition.hourglass else {}
            result['hourglass'] = changed(self.hourglass, **more)
        return Settings(**result)


#: Names of the settings.
SETTINGS = tuple(Settings.__annotations__)


@dataclass(frozen=True)
class Condition(Settings):
    """A setting of the experiment under which all methods are compared.

    Attributes:
        label: What it is called in tables and figures. Default: the name.
        value: Its place on the axis of the conditions.
        num_labels: Labelled training images. Default: all.
        method_options: Method -> config values by dotted key, for that method alone.
        seeding: What goes before the suite's; what it does not name is as there.
    """

    label: SomeText = ''
    value: Number | None = None
    num_labels: Count | None = None
    method_options: dict[str, ConfigValues] = field(default_factory=dict)
    seeding: Seeding | None = None

    def options(self, method: str) -> dict[str, Any]:
        """Config values by dotted key that are one method's."""
        return self.method_options.get(method, {})


@dataclass(frozen=True)
class Method(Part):
    """A method that is compared.

    Attributes:
        config: A shipped method's name, or a path (from the suite's folder). Default: the method's own name.
        label: What it is called in tables and figures. Default: made of the name.
        source: Checkpoint or known source that this method starts from and is held to in the place of the suite's, as
            `source.path` names them; its network is the method's encoder. Default: the suite's source.
        settings: Settings of this method alone, in the place of the suite's and of the condition's.
        cfg_options: Config values by dotted key.
    """

    config: SomeText = ''
    label: SomeText = ''
    source: SomeText = ''
    settings: Settings = Settings()
    cfg_options: ConfigValues = field(default_factory=dict)


@dataclass(frozen=True)
class Analysis(Part, Options):
    """The analysis plan, declared before there are results; see :class:`benchmark.statistics.options.Options`."""

    #: Decided by the plan of the runs.
    NOT_DECLARED: ClassVar[tuple[str, ...]] = ('unit', 'design')

    @classmethod
    def values(cls, content: dict[str, Any], where: str) -> dict[str, Any]:
        """See :meth:`.fields.Part.values`; they are checked by what the analysis itself reads them with."""
        try:
            options = read_options(content)
        except TableError as error:
            raise Mistake(f'{where}.{error}.') from None
        # As it was written: 1 and 1.0 give two configs.
        return vars(options) | {name: content[name] for name in ('threshold',) if name in content}


@dataclass(frozen=True)
class Execution(Part):
    """How runs are executed: see `docs/reliability.md`.

    Attributes:
        retries: Attempts after a transient failure.
        time_limit: Seconds that a run may take. Default: any.
        save_every: Seconds between two states of a training; None keeps none.
        keep_checkpoints: Whether each run keeps its network, `network.pth`, for `tools/predict.py`.
        threads: Threads of a run. Default: the cores shared out.
        source_threads: Threads of the source's training. Default: all cores.
        slurm: Options of `--executor slurm`.
        ray: Options of `--executor ray`.
        kubernetes: Options of `--executor kubernetes`.
    """

    retries: Annotated[int, Kind('a number of attempts after the first, 0 or more', whole(0).fits)] = \
        EXECUTION['retries']
    time_limit: Annotated[float, Kind('seconds', ABOVE_0.fits)] | None = EXECUTION['time_limit']
    save_every: Annotated[float, SECONDS] | None = EXECUTION['save_every']
    keep_checkpoints: bool = EXECUTION['keep_checkpoints']
    threads: Threads | None = EXECUTION['threads']
    source_threads: Threads | None = EXECUTION['source_threads']
    slurm: Engine = field(default_factory=dict)
    ray: Engine = field(default_factory=dict)
    kubernetes: Engine = field(default_factory=dict)

    def options(self, executor: str) -> dict[str, Any]:
        """What the suite says to an executor."""
        return getattr(self, executor, {})


@dataclass(frozen=True)
class Report(Part):
    """What a suite asks of the page.

    Attributes:
        sections: The page's sections, in their order. Default: all that have something to say.
        imports: Modules that register more of them; they lie beside the suite or on the Python path.
    """

    sections: Names | None = None
    imports: Names | None = None
