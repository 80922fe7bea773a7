"""Pages of the catalog: one function per address."""
