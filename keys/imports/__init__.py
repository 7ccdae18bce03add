"""Files of manufactured devices: from bytes to typed rows with their problems. Pure: no database, no clock.

`reading` splits a file into cells, `rows` types them, `verdicts` judges a row against what is stored, and `rejects`
writes the file of the rows that have to be mended. A private key is never part of a message, a repr or a rejects file.
"""
