"""How fast Codat may be asked, by one process or by all.

=================  ==================================================================
``rate_limit``     one process, by its own clock
``shared_redis``   all processes, by a Redis
``chosen``         which of them a connection asks for
=================  ==================================================================
"""
