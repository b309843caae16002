"""Data: prepared sets of landmarks, their views, and synthetic faces.

Only :func:`register` imports MMPose; the readers and the face generator work without it.
"""


def register() -> None:
    """Registers the data sets and transforms in MMPose's registries."""
    from . import identity_dataset, landmarks, photograph, views  # noqa: F401
