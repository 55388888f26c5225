"""``mien annotate``: the command, and how pictures, one video and many videos are annotated and reported."""
