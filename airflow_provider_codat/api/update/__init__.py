"""One record, updated: the latest values win.

``submit`` goes from intent to outcome, as ``journal`` decides; ``progress`` is what is
known so far, ``evidence`` what the push history and the record tell of an update whose
answer was lost, ``result`` what a person is told.
"""
