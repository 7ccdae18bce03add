"""Episodes: spans of time in which something was wrong, made from findings in time order, and compared with what is
stored.

Pure: values in, values out. All times are aware and those of events.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    IMPOSSIBLE_SPEED = "IMPOSSIBLE_SPEED"
    SILENT = "SILENT"
    NEVER_REPORTED = "NEVER_REPORTED"
    OFF_ROUTE = "OFF_ROUTE"
    LEFT_COUNTRY = "LEFT_COUNTRY"
    LEFT_DELIVERY = "LEFT_DELIVERY"
    LONG_STAY = "LONG_STAY"
    BACK_TO_STORAGE = "BACK_TO_STORAGE"
    BATTERY_LOW = "BATTERY_LOW"


class Episode(NamedTuple):
    """began_at: when it began. latest_at: the last moment that showed it. ended_at: None while it lasts.

    measure: a number at the beginning; `anomalies` says for each kind what it is. location_id: what it is about.
    country: the code of the one that it began in, of LEFT_COUNTRY alone.
    """

    kind: Kind
    began_at: datetime
    latest_at: datetime
    ended_at: datetime | None = None
    measure: float | None = None
    location_id: int | None = None
    country: str = ""

    def ended_by(self, moment: datetime) -> "Episode":
        """Over at `moment` if it lasts beyond it."""
        if self.ended_at is not None and self.ended_at <= moment:
            return self
        return self._replace(ended_at=max(moment, self.latest_at))


class Finding(NamedTuple):
    """What an evaluation finds in a report: wrong, right, or None where it says nothing."""

    at: datetime
    wrong: bool | None
    measure: float | None = None
    country: str = ""


def join(
    kind: Kind, findings: Iterable[Finding], *, ongoing: Episode | None = None, confirmations: int = 1
) -> list[Episode]:
    """The episodes of findings in time order.

    An episode begins with the first of `confirmations` wrong findings in a row, none of another kind
    between them, and ends with the next right one; findings that say nothing prolong it. ongoing: the episode that the
    first finding lies in, if it does; its beginning stands.
    """
    episodes: list[Episode] = []
    current = ongoing._replace(ended_at=None) if ongoing else None
    waiting: list[Finding] = []
    for finding in findings:
        if finding.wrong is False:
            waiting = []
            if current:
                episodes.append(current._replace(ended_at=finding.at))
            current = None
        elif current:
            current = current._replace(latest_at=finding.at)
        elif finding.wrong:
            waiting.append(finding)
            if len(waiting) >= confirmations:
                first, waiting = waiting[0], []
                current = Episode(kind, first.at, finding.at, measure=first.measure, country=first.country)
        else:
            waiting = []
    return [*episodes, current] if current else episodes


class Stored(NamedTuple):
    id: int
    episode: Episode


class Differences(NamedTuple):
    """What makes the stored alerts say the same as the episodes."""

    to_retract: list[int]
    to_change: list[Stored]
    to_add: list[Episode]


def compare(stored: Sequence[Stored], episodes: Sequence[Episode]) -> Differences:
    """Alerts keep their ids where an episode of their kind began at the same moment, or else lies in the same time."""
    left = list(stored)
    pairs: list[Stored] = []
    unmatched = []
    for episode in episodes:
        match = next((row for row in left if _same_beginning(row.episode, episode)), None)
        if match:
            left.remove(match)
            pairs.append(Stored(match.id, episode))
        else:
            unmatched.append(episode)
    to_add = []
    for episode in unmatched:
        match = next((row for row in left if _overlap(row.episode, episode)), None)
        if match:
            left.remove(match)
            pairs.append(Stored(match.id, episode))
        else:
            to_add.append(episode)
    as_stored = set(stored)
    return Differences([row.id for row in left], [pair for pair in pairs if pair not in as_stored], to_add)


def _same_beginning(one: Episode, other: Episode) -> bool:
    return one.kind == other.kind and one.began_at == other.began_at


def _overlap(one: Episode, other: Episode) -> bool:
    return (
        one.kind == other.kind
        and (one.ended_at is None or other.began_at <= one.ended_at)
        and (other.ended_at is None or one.began_at <= other.ended_at)
    )
