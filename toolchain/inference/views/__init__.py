"""Pages of inference services."""
