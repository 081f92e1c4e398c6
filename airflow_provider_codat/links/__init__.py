"""Codat links for Airflow."""
