"""What is answered on which route.

``arrivals`` knows the routes and keeps the journal of requests; ``lookup`` finds what a
path names. ``write_endpoints``, ``data_endpoints`` and ``endpoints`` answer;
``listing`` and ``paging`` make pages.
"""
