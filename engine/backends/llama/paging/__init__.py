"""Chunked weight paging: a model larger than its memory, of which a part is read from disk in every step."""
