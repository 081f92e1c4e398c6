"""What is sent: its types, its exact JSON, and what it is held against."""
