"""Exceptions that several modules share, without what those import."""


class SuiteError(ValueError):
    """A suite that can't be planned: names the file, the field and the remedy."""
