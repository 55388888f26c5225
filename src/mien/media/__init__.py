"""Pictures and videos in, pixels out."""
