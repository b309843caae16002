"""The exception of the conversions."""


class ConversionError(ValueError):
    """A source that cannot be converted: the message names the file, the key and the remedy."""
