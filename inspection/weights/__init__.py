"""What the headers of a model's weights tell, and how much memory the model wants: pure functions over files."""

from inspection.weights.measuring import measure, read_each

__all__ = ["measure", "read_each"]
