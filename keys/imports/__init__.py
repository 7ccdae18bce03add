"""Files of manufactured devices: from bytes to typed rows with their problems. Pure: no database, no clock.

Reading is `foundation.tables`; `columns` declares what a file of devices may hold, `rows` types its rows, `verdicts`
compares a row with what is stored, and `rejects` writes the file of the rows that have to be corrected. A private key
is never part of a message, a repr or a rejects file.
"""
