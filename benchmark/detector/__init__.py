"""A trained network in use: what a run keeps of it, and landmarks on images that nobody has annotated."""
