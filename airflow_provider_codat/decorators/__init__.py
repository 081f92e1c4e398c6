"""Codat decorators for Airflow."""
