"""One exchange with Codat: a request, and what is done about its answer.

A conversation is a generator that decides everything and does nothing; ``exchange`` has
its steps and the two drivers that carry them out. Whether an answer is repeated is
decided in ``retry``, and said in words in ``exchange_outcome``. ``request`` and
``response`` are values; ``session``, ``deadline`` and ``transport`` send them.
``paging`` walks lists; ``quota`` knows how many may be sent today; ``sender_threads``
send many at a time; ``telemetry`` counts.
"""
