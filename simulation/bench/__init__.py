"""Measures the main job on this machine, each figure beside the limit that nature sets it."""
