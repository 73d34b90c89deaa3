"""Makes models smaller: recipes, what they would give, the work itself, and what the results kept."""
