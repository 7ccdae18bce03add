"""How many examples a law is tried with: all of them in CI, a tenth by default, so that a run at the desk is quick.

The profile is chosen in tests/conftest.py before any test is imported, so that a law without a number of its own
follows it too. TIMELINE_EXAMPLES multiplies the examples of
every law for a longer hunt: TIMELINE_EXAMPLES=20 bin/test tests/trackers/test_timeline_law.py
"""

import os

from hypothesis import HealthCheck, settings

# As continuous integration services set it, and .ci/run.
IN_CI = os.environ.get("CI", "").lower() not in {"", "0", "false", "no"}
HUNT = int(os.environ.get("TIMELINE_EXAMPLES", "1"))
# No law is tried with fewer: a tenth of a few would prove nothing.
FEWEST = 5


def law(in_ci: int) -> settings:
    """The settings of a law that CI tries with this many examples."""
    examples = in_ci if IN_CI else max(FEWEST, in_ci // 10)
    return settings(settings.get_profile("glimpse"), max_examples=examples * HUNT)


def use_profile() -> None:
    """No deadline: the machines that run the tests are slow and busy. Whoever sees a failure can repeat it."""
    settings.register_profile(
        "glimpse",
        deadline=None,
        print_blob=True,
        max_examples=100 if IN_CI else 10,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    settings.load_profile("glimpse")
