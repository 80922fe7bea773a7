"""The version store: git objects in rows, large objects by SHA-256 in object storage. Knows no asset."""
