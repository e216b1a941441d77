"""Vars plugins are called by Troupe."""


def get_vars_from_path(loader, path, entities, stage):
    return {}


def get_vars_from_inventory_sources(loader, sources, entities, stage):
    return {}
