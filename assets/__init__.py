"""The catalog: models and datasets with their cards, over the files of `repos`."""
