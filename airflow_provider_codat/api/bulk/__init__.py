"""Many records in one task, each of them created exactly once."""
