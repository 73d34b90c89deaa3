"""Tools for vision pipelines, offered to plugins through engine/plugins/api.py: cards, pixels, scores, boxes."""
