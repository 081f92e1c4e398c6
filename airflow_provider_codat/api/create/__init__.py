"""One record, created exactly once."""
