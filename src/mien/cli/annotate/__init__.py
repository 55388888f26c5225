"""``mien annotate``: the command, and its three cases: pictures, one video, many videos."""
