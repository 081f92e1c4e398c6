"""From sockets to the simulated Codat and back."""
