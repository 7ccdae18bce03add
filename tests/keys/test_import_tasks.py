"""Beat drains device imports: its tasks do the work."""

import pytest

from keys import tasks
from keys.models import DeviceImport
from tests.keys.device_files import devices_of, generate, receive
from trackers.models import Tracker

pytestmark = pytest.mark.django_db


def test_tasks_go_on_and_clean_up_and_take_unknown_arguments():
    device_import = receive(devices_of(generate()))
    tasks.continue_device_imports(later="version")
    tasks.clean_up_device_imports(later="version")
    device_import.refresh_from_db()
    assert device_import.state == DeviceImport.State.DONE
    assert Tracker.objects.count() == 3
