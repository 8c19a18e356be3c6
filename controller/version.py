"""The version, a constant: reading package metadata at start costs tens of milliseconds."""

__version__ = "0.1.0"
