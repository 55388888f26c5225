"""``mien relatedness``: one file per command, and the modules that they share."""
