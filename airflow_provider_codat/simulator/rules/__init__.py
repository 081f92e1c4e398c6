"""What Codat, and the software behind it, demand of a request.

``contract`` for a body, ``idempotency`` for keys, ``limits`` for the number of
requests, ``query`` for Codat's query language, ``integrations`` and ``push_options``
for what a software takes.
"""
