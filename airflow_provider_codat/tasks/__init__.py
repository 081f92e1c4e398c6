"""One task, from its arguments to its result."""
