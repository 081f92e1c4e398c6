"""Airflow provider for Codat: create customers in a company's books, none twice."""

__version__ = "0.1.0"
