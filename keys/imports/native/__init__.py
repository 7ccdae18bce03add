"""Files in which other programs keep devices with their private keys, read as they are.

`recognising` tells by its content which program a file is of; `haystack`, `findmy_py`, `key_files` and `apple` know
what such a program writes, and `devices` is what they make of it. What looks like such a file and can't be read is
refused with the name of its format.
"""

from keys.imports.native.devices import NativeDevice, NativeFile
from keys.imports.native.recognising import read

__all__ = ["NativeDevice", "NativeFile", "read"]
