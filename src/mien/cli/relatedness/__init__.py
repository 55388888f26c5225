"""``mien relatedness``: one file per command, and what they print and read."""
