"""Sentences for people: a template in English and its parts, so that it can be translated."""
