"""Rows as others keep them: files of several formats, and columns of tables.

Knows a data type's contract, and nothing of what becomes of the rows.
"""
