"""What is answered on which route, and how lists are asked for."""
