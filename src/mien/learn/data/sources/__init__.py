"""One file for each database: from its official layout to manifest rows."""
