"""What pages about locations show, as values that know no admin, no request and no address of a page."""
