"""What things cost: time and memory, measured by ``tools/measure_speed.py`` and never by a test."""
