"""What a test orders and reads, in this process or from another."""
