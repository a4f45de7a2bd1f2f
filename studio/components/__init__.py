"""Pieces of screen: plain data in, the person's choice out."""
