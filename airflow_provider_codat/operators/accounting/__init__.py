"""The operators of each data type, made from the table of data types."""
