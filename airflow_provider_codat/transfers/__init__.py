"""Transfers: from where a team keeps its rows into a company's books."""
