"""Training: everything here needs the extra ``mien[train]``; annotating does not."""
