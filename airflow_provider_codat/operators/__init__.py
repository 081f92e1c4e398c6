"""Codat operators for Airflow."""
