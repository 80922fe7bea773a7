"""Stories, accessibility and budgets in a real Chromium, against a gallery that runs as people run it."""
