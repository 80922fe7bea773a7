"""Compute: which specs there are, whether one is enough, and who may use how much."""
