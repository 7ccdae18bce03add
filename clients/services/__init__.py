"""The writes of clients, brands, production runs and memberships, with their rules.

What follows from a change elsewhere (recomputed histories, published facts) is done by `trackers.services.changes`,
which calls these: use those unless nothing can follow.
"""
