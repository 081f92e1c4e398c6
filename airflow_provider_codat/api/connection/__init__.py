"""What an Airflow connection says: whose key, which address, how patiently."""
