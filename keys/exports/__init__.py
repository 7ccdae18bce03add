"""Files for manufacturers, with public keys only: one module for each format, which registers itself.

Every module in this package is imported here, so that a new format is one new file.
"""

import pkgutil
from importlib import import_module

for _module in pkgutil.iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")
