"""Faults of a running site: single ones with what must hold after each (`scenarios`), and many
random ones (`random_faults`).
"""
