"""What pages show of fetching, as values that know no admin, no request and no address of a page."""
