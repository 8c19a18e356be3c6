"""Thin adapters to what a laboratory may have already: each imports its framework, and nothing imports it.

Their frameworks come with the extra ``ionto[neighbours]``.
"""
