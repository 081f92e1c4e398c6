"""What stands in the accounting software, and what Codat has read of it."""
