"""One record, updated: the latest values win."""
