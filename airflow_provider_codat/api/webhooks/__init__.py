"""What Codat sends by itself: whether it is Codat's, and what it tells.

* :mod:`.event` reads what happened, of which company, and to what.
* :mod:`.signature` decides whether Codat has sent it.
* :mod:`.diagnosis` says why a signature fails, to a person who has both.
"""
