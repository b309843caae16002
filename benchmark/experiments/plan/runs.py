"""A plan: a suite's runs and what they share."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from mmengine.config import Config

from benchmark.datasets.metainfo import LandmarkMeta
from benchmark.experiments.state.tasks import RUN, Task
from benchmark.experiments.suite.suite import Suite

from .folds import Fold
from .source import SourcePlan


@dataclass(frozen=True)
class Run:
    """One training of one method.

    Attributes:
        id: ``<method>/<condition>-seed<seed>-<hash>``, in a cross-validation
            ``<method>/<condition>-repeat<repetition>-fold<fold>-<hash>``; its folder below ``runs/``.
        method: The method's name.
        condition: The condition's name.
        seed: The run's number.
        hash: SHA-256 of its identity.
        config: Its full config.
        source: What it starts from or is regularised by, if anything: the suite's source, or its method's own.
        seeds: The named seeds.
        source_hash: Hash of the source that it starts from or is regularised by; None without one.
        identity: What the hash is made of; see :func:`benchmark.experiments.plan.identity.identity`.
        trial: Number of the trial and its config values, where the method is tuned.
        also: Further conditions that change nothing of it, so that it stands for them too; each with an id of its own.
        fold: The fold of a cross-validation that it tests; None where there is none. Its ``seed`` is the repetition.
        untrained: Landmarks that are tested and that its training images say nothing of -> number of test images.
    """

    id: str
    method: str
    condition: str
    seed: int
    hash: str
    config: Config
    source: SourcePlan
    seeds: dict[str, int]
    source_hash: str | None
    identity: dict
    trial: tuple[int, dict] | None = None
    also: dict[str, str] = field(default_factory=dict)
    fold: Fold | None = None
    untrained: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """A suite's runs and what they share.

    Attributes:
        source: The suite's source.
        sources: Those of methods that have their own.
    """

    suite: Suite
    out: Path
    data_root: Path
    meta: LandmarkMeta
    source: SourcePlan
    runs: list[Run]
    content: dict
    sources: dict[str, SourcePlan] = field(default_factory=dict)

    def task(self, run: Run) -> Task:
        """The run as a worker sees it."""
        return Task(run.id, RUN, self.folder(run), run.hash, {})

    def folder(self, run: Run) -> Path:
        """The run's folder."""
        return self.out / 'runs' / run.id
