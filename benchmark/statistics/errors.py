"""What is raised where the input of an analysis is bad."""


class TableError(ValueError):
    """Bad input: the message names the file, the field, the rows and the remedy, in one line."""
