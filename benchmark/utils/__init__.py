"""Files, machine, signals and text: what any room may need, and knows no landmark."""
