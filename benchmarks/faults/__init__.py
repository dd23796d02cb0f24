"""Faults against a running site: single ones with what must hold after each (`scenarios`), and
many by chance (`chance`).
"""
