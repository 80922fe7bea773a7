"""The scripts, their hyperparameters and what they ask of a dataset."""
