"""What pages show of orders, as values that know no admin, no request and no address of a page."""
