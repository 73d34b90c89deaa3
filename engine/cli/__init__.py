"""`hearth ...`: a second front end over the engine's door."""
