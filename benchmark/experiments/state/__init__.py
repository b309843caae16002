"""What lies on the disk: locks, records, and a plan's runs as tasks."""
