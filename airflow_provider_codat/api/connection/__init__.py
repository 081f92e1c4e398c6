"""What an Airflow connection says of Codat, checked.

``credential`` reads the API key, ``base_url`` the address, ``settings`` the extras and
all of it together: how many requests a minute, how long to wait, what else to send.
"""
