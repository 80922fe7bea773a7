"""What the frame of every page hands to its scripts."""

from django.utils.translation import gettext


def strings() -> dict[str, object]:
    """Return the words that scripts say, in the language of the page, and where the `g` keys lead."""
    return {
        "copied": gettext("Copied"),
        "undo": gettext("Undo"),
        "close": gettext("Close"),
        "failed": gettext("That did not work. Check the connection and try again."),
        "leave": gettext("Changes are not saved. Leave anyway?"),
        "remove": gettext("Remove %(name)s"),
        "draft": gettext("This browser keeps a newer draft of this text."),
        "restore": gettext("Use the draft"),
        "show": gettext("Show password"),
        "hide": gettext("Hide password"),
        "go": {"m": "/models", "d": "/datasets", "h": "/"},
    }
