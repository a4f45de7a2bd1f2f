"""Pieces of the Format page."""
