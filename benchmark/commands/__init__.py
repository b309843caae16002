"""The command lines: a module for each tool, and :mod:`.landmark_bench`, which calls the same where it is installed."""
