"""Finds the coordinates of an address by asking geocoders on the network, for people who add a location.

`searching.find_addresses` is the way in. It is for people who wait, and never for the way of a report: nothing that
fetches or records calls it. Without any geocoder everything else works, since coordinates can be typed.
"""
