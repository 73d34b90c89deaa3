"""Makes what people download: frozen programs, installers, and what belongs to them."""
