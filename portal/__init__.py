"""Wires the rooms together: settings, addresses, servers. Nothing imports this package but itself."""
