"""Alerts: evaluating the trackers that are due, finding outages of sites, and publishing what became of both.

Others call what is named in `__all__`.
"""

from trackers.services.alerts.borders import keep_up_countries
from trackers.services.alerts.evaluating import evaluate_due, trackers_not_evaluated
from trackers.services.alerts.site_outages import SiteOutage, evaluate_sites

__all__ = ["SiteOutage", "evaluate_due", "evaluate_sites", "keep_up_countries", "trackers_not_evaluated"]
