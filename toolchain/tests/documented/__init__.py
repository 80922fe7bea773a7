"""Models as their owners bring them, written after the documentation, and makers of tiny ones."""
