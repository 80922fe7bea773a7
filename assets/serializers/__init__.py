"""The shape of what REST takes and gives."""
