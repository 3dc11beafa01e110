"""Ronghe: how producer services and manufacturing grow together, and what that does to manufacturing."""

__version__ = "0.1.0"
