"""What is declared: suites, the kinds of their values, configs, overrides, seeds and tuning."""
