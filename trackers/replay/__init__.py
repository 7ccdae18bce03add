"""Replays a world from a file through the services that the workers use."""
