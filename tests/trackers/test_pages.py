"""What a tracker's page shows to whom: presenters serve staff and members alike."""

from datetime import timedelta

import pytest

from tests.factories import ARRIVED, NOW, AssignmentFactory, MembershipFactory, StaffFactory
from tests.trackers.reports import incoming
from trackers.models import Tracker
from trackers.pages import tracker as pages
from trackers.services import assigning
from trackers.services.reports import recording

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


def test_a_member_sees_of_a_trackers_past_only_its_own_clients() -> None:
    first = AssignmentFactory(start=NOW - 20 * DAY)
    tracker = Tracker.objects.get(pk=first.tracker_id)
    assigning.release(tracker_ids=[tracker.pk], at=NOW - 10 * DAY, now=NOW)
    second = AssignmentFactory(tracker=tracker, start=NOW - 10 * DAY)
    reports = [incoming(tracker.pk, NOW - days * DAY) for days in (18, 15, 5)]
    recording.record_reports(reports, now=ARRIVED)
    tracker.refresh_from_db()

    def shown(user: object) -> tuple[int, int, int, int]:
        page = pages.show(tracker, user=user, days="30", reports_after="", now=NOW)
        assert {period.assignment_id for period in page.history} <= {a.pk for a in page.assignments}
        return (
            len(page.assignments),
            len(page.reports),
            len(page.rollups),
            len(page.track["reports"]["features"]),
        )

    assert shown(StaffFactory()) == (2, 3, 3, 3)
    assert shown(MembershipFactory(client=first.run.brand.client).user) == (1, 2, 2, 2)
    assert shown(MembershipFactory(client=second.run.brand.client).user) == (1, 1, 1, 1)
    assert shown(MembershipFactory().user) == (0, 0, 0, 0)
