"""Hosts and groups."""
