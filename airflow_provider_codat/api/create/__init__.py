"""One record, created exactly once.

``submit`` goes from intent to outcome, by the table in ``next_step``, which reads the
``journal``; ``attempt`` sends one key once, written down before and judged after;
``history`` is what is known so far. What became of a create whose answer was lost is
found by ``reconcile`` (``search``, ``matching``). ``settle`` waits for a push
operation, ``conclude`` writes down how it ended. ``intent`` and ``idempotency`` are the
values: the write that is wanted, and its key.
"""
