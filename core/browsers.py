"""Names for browsers, from the line by which they present themselves."""

from django.utils.translation import gettext

# The first that occurs wins: every browser also names those it resembles.
_PROGRAMS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("MicroMessenger", "WeChat"),
    ("QQBrowser", "QQ"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS = (
    ("HarmonyOS", "HarmonyOS"),
    ("Android", "Android"),
    ("iPhone", "iOS"),
    ("iPad", "iPadOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


def name(user_agent: str) -> str:
    """Return `Firefox, Linux`, or the first word of the line for programs unknown here."""
    program = next((known for mark, known in _PROGRAMS if mark in user_agent), "")
    system = next((known for mark, known in _SYSTEMS if mark in user_agent), "")
    if not program:
        return user_agent.split(" ")[0].split("/")[0] or gettext("Unknown browser")
    return f"{program}, {system}" if system else program
