"""Whole sets of files, as a person would upload them: path to content."""

Files = dict[str, bytes]
