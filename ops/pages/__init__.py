"""What pages of several apps show, as values that know no admin, no request and no address of a page."""
