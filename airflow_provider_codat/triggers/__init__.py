"""Codat triggers for Airflow."""
