"""Forks the processes of an instance from one that has loaded Sightline's modules already."""
