"""The version, where setuptools can read it without importing requests."""

__version__ = "0.1.0"
