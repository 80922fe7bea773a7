"""Tags of the accounts room."""
