"""A run's process, from the server that it is forked from to its results, and the pool that starts it."""
