"""Whole instances: what a small site costs, and how a large registry is answered."""
