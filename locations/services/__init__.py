"""The writes of locations: the locations themselves, and the gazetteer."""
