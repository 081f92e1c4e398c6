"""Airflow operators: authors import them from ``codat``, the rest are their parts."""
