"""Fragments of documentation are known to Troupe."""
