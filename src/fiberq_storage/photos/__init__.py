"""The photo volume: a folder or a bucket, and what is read out of photos."""
