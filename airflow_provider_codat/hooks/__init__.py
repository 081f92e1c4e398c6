"""Codat hooks for Airflow."""
