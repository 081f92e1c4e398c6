"""Reading back: records, push operations, whether a connection can be written to."""
