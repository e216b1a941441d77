"""Nothing is taken from here by plugins; the module exists."""
