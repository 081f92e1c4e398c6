"""What Codat, and the software behind it, demand of a request."""
