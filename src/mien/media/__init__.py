"""Pictures and videos: decoding, sampling, encoding."""
