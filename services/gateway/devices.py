"""What a browser calls itself, in the few names that people know. Pure; nothing else of it is kept."""

from dataclasses import dataclass

_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("CriOS/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Macintosh", "Mac"),
    ("Linux", "Linux"),
)
"""What stands in a User-Agent, and its name. The first one that is found counts: most pretend to be those below."""


@dataclass(frozen=True)
class Device:
    """A browser and the system it runs on; empty where it is none of those known here."""

    browser: str
    system: str


UNKNOWN = Device("", "")


def device_of(user_agent: str) -> Device:
    """The device that a User-Agent speaks of. Anybody may write anything there: it is for the owner's eye alone."""

    def first(names: tuple[tuple[str, str], ...]) -> str:
        return next((name for sign, name in names if sign in user_agent), "")

    return Device(first(_BROWSERS), first(_SYSTEMS))
