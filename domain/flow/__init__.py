"""Flows: the declarative graphs that threads execute."""
