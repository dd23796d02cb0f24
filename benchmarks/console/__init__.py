"""Measures the console in Chromium: the first view, frames of maps and lists, live video."""
