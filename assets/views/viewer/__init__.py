"""The preview of a dataset: its tables, single cells, media, and SQL."""
