"""How times and dates are written, by locale: Django reads these modules."""
