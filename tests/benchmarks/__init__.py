"""What a batch costs: shown by figures, never asserted by a test (`python -m tests.benchmarks`)."""
