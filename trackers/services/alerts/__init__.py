"""Alerts: evaluating the trackers that are due, finding outages of sites, and publishing what became of both."""
