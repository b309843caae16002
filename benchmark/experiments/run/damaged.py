"""What a run stands on and finds changed or broken."""

from __future__ import annotations


class DamagedFile(RuntimeError):
    """A file of the run is not what the plan says; it is made again by the next attempt."""


class OtherProgram(DamagedFile):
    """This process computes with other numerics than those of the plan."""


class DamagedSource(DamagedFile):
    """The source checkpoint is not the one that the plan says."""


class DamagedData(DamagedFile):
    """The data are not those that the plan says."""


class DamagedCheckpoint(DamagedFile):
    """The checkpoint of the best epoch cannot be used; the training starts from its beginning."""
