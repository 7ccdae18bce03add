"""The writes of locations: the gazetteer, and the search for addresses."""
