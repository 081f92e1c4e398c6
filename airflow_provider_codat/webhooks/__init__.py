"""Codat's events, received by Airflow's API server: they start DAGs.

* :mod:`.plugin` is all that Airflow imports at its start.
* :mod:`.receiver` answers Codat: what is refused, and how.
* :mod:`.endpoints` knows the signing secrets of the connections.
* :mod:`.mapping` decides of which assets an event is.
* :mod:`.asset_events` makes asset events of what Codat tells, each of them once.
* :mod:`.__main__` finds out why a signature fails.
"""
