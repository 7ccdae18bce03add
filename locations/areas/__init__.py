"""Drawn areas: how they are read, and their arithmetic on the globe. `locations.fences` is the one that decides what is
stored; `locations.geojson` writes them.
"""
