"""Where the journal of a task is kept: in Airflow's store, or in a database.

``cells`` is the journal, in cells of a store; ``sql`` is a store in a SQL database. On
a command line, ``python -m airflow_provider_codat.journal`` makes its table, shows what
a task has written, and deletes what nobody needs any more.
"""
