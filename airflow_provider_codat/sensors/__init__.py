"""Codat sensors for Airflow."""
