"""Experiments: a suite becomes a plan, a plan becomes runs, runs become one results table."""
