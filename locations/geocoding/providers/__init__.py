"""Geocoders: one module for each, which registers itself.

Every module in this package is imported here, so that a new geocoder is one new file.
"""

import pkgutil
from importlib import import_module

for _module in pkgutil.iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")
