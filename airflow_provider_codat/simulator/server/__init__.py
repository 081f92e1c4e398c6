"""From sockets to the simulated Codat and back.

``server`` is the HTTP server, ``wire_misfortunes`` what goes wrong on the wire.
"""
