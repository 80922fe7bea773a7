"""What REST of the accounts room shows and takes."""
