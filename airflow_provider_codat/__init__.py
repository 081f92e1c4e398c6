"""Airflow provider for Codat: create customers in a company's books, exactly once."""

__version__ = "0.1.0"
