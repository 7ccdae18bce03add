"""What a page shows, read as its reader does: facts with what they say, and whether they are marked as bad."""

from bs4 import BeautifulSoup

MARKS = {"gl-bad", "gl-warn"}


def facts(html: bytes) -> dict[str, str]:
    """What stands beside each term of the page's lists of facts."""
    return {
        _text(term): _text(term.find_next_sibling("dd")) for term in BeautifulSoup(html, "html.parser")("dt")
    }


def marks(html: bytes) -> dict[str, set[str]]:
    """How the facts are marked: `gl-bad`, `gl-warn` or not at all."""
    return {
        _text(term): set(term.find_next_sibling("dd").get("class", []))
        for term in BeautifulSoup(html, "html.parser")("dt")
    }


def alarms(html: bytes) -> list[str]:
    """The sentences that stand above all, without the names of their icons."""
    page = BeautifulSoup(html, "html.parser")
    for icon in page.select(".material-symbols-outlined"):
        icon.decompose()
    return [_text(alarm) for alarm in page.select("[role=alert]")]


def numbers(html: bytes) -> dict[str, tuple[str, set[str]]]:
    """The large numbers by what they are of, with how they are marked."""
    cards = BeautifulSoup(html, "html.parser").select(".gl-number")
    return {
        _text(card.select_one("span")): (_text(card.select_one("strong")), set(card["class"]) & MARKS)
        for card in cards
    }


def _text(element: object) -> str:
    return " ".join(element.get_text().split())
