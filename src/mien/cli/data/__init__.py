"""``mien data``: one file per command."""
