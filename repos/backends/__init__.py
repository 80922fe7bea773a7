"""Stores for large objects; see `base` for the contract."""
