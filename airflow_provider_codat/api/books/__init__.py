"""Reading back: what is in the books, as far as Codat knows.

``records`` reads Codat's copy and has it renewed (``pull_operations``); ``existing``
finds records like a payload in it, ``comparison`` holds a record against a payload.
``push_history`` reads the list of push operations, ``push_status`` how some of them
stand. ``preflight`` tells whether a connection can be written to.
"""
