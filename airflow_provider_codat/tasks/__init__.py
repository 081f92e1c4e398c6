"""One task, from its arguments to its result: what the operators share.

``options`` reads the switches (``arguments``), ``identity`` what Airflow knows of the
try, ``destination`` which books it writes into. ``payload_check`` and ``before_create``
look before anything is sent; ``create``, ``create_many`` and ``update`` make of it what
``api`` carries out. ``task_journal`` opens the journal, ``waiting`` leaves the worker,
``files`` and ``results`` say what came of it.
"""
