"""Files of manufactured devices: from bytes to typed rows with their problems. Pure: no database, no clock.

Reading is `foundation.tables`; `columns` declares what a table of devices may hold, `native` reads the files of other
programs, `rows` types the rows of both, `grouping` tells which are keys of one device, `checking` compares a device
with what is stored, and `rejects` writes the file of the rows that have to be corrected. A private key is never part of
a message, a repr or a rejects file.
"""
