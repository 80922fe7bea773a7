"""Writers for the file formats of the demo: each returns the bytes of one file, the same for the same seed."""
