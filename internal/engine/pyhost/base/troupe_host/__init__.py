"""The Python process that runs people's own plugins: how it talks with Troupe, and how it finds and calls plugins."""
