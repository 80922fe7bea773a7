"""REST of the catalog: one ViewSet per resource."""
