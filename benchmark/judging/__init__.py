"""How much a source network knows of faces and of landmarks; ``judge.py`` is where to begin."""
