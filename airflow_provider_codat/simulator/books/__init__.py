"""What stands in the accounting software, and what Codat has read of it.

``books`` keeps push operations (``operations``) and records (``revisions``);
``outcomes`` and ``requirements`` decide what becomes of one that was accepted,
``software`` how it is spelt then. ``cache`` is Codat's copy, renewed by
``pull_operations``.
"""
