"""What every room stands on: states, permission by verb, problems, request context, htmx and REST glue. No tables, no URLs."""
