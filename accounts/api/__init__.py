"""REST of the accounts room."""
