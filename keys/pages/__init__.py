"""What pages show of keys, as values that know no admin, no request and no address of a page."""
