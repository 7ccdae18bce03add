"""Recomputation of stored history from stored reports: queued, worked off, tried out in previews, and as a check."""
