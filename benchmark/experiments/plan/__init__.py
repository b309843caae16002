"""From a suite to its runs, each with a config and a hash; nothing is trained."""
