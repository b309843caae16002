"""The files that evidence is read off: the analysis, the suite's plan and records, the data set."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from benchmark.datasets.metainfo import SPLITS, DataError, LandmarkMeta, load_metainfo

#: Of a run's config, whether it keeps the epoch that was best on the validation images.
BEST = re.compile(r"""save_best\s*=\s*['"]""")


@dataclass(frozen=True)
class Files:
    """What lies beside a report. What can't be read is not there: its items are open.

    Attributes:
        analysis: Content of analysis.json.
        base: Its folder, the suite's.
    """

    analysis: dict[str, Any]
    base: Path

    @cached_property
    def plan(self) -> dict[str, Any]:
        """Content of plan.json, or nothing."""
        found = _read(self.base / 'plan.json')
        return found if isinstance(found, dict) else {}

    @cached_property
    def data(self) -> Path | None:
        """The prepared data set's folder, where it is there."""
        root = self.analysis['data'].get('root')
        return Path(root) if isinstance(root, str) and root and Path(root).is_dir() else None

    @cached_property
    def metainfo(self) -> LandmarkMeta | None:
        """The data set's scheme."""
        try:
            return load_metainfo(self.data) if self.data else None
        except (DataError, OSError, TypeError, ValueError):
            return None

    @cached_property
    def splits(self) -> dict[str, list[dict[str, Any]]]:
        """Split -> the image records of its annotation file, without the annotations."""
        found = {}
        for name in SPLITS if self.data else ():
            content = _read(self.data / 'annotations' / f'{name}.json') if self.data else None
            images = content.get('images') if isinstance(content, dict) else None
            if isinstance(images, list) and images and all(isinstance(one, dict) for one in images):
                found[name] = images
        return found

    @cached_property
    def configs(self) -> dict[str, Path]:
        """Method -> the config of its first run that is done."""
        found: dict[str, Path] = {}
        for run in self.analysis['runs']['items']:
            path = self.base / str(run.get('folder')) / 'config.py'
            if run.get('state') == 'done' and run['method'] not in found and path.is_file():
                found[run['method']] = path
        return found

    @cached_property
    def picks(self) -> dict[str, bool]:
        """Method -> whether its config keeps the best epoch; methods without a config are left out."""
        return {method: bool(BEST.search(path.read_text(encoding='utf-8', errors='replace')))
                for method, path in self.configs.items()}

    def beside(self, pattern: str) -> int:
        """How many files of the suite's folder fit a pattern."""
        return sum(1 for _ in self.base.glob(pattern))


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding='utf-8'))
    except (OSError, ValueError):
        return None
