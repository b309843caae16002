"""What the tools do: run a suite, work on one, show its state, collect its results."""
