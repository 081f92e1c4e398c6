"""Many records in one task, each of them created exactly once.

``batch`` decides when a row is taken up, and when the whole is over; each row has the
conversation of a single create, and ``scheduler`` carries out many of them. ``polling``
asks what became of them, ``reconcile`` asks the books for all rows in doubt. A row is
settled in ``row_progress``. ``rows`` reads and checks them (``digests``), ``plan`` is
what is wanted. ``journal`` keeps what is known, in windows (``journal_windows``), and
gives the results, of which ``report`` has the form.
"""
