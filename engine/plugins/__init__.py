"""Plugins: the contract they are written against (api.py) and the host that finds, loads and contains them."""
