"""A place for modules."""
