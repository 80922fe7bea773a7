"""The tables of a dataset as its viewers see them: on pages and over REST."""
