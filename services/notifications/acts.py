"""What the audit says was done about messages, and which personal data were shown (decision record 0032)."""

from collections.abc import Mapping

from chassis import acts


class Act(acts.Act):
    """What can be done here; the value is what the audit keeps."""

    # by itself
    CANCEL_MESSAGE = "cancel_message"
    GIVE_UP_MESSAGE = "give_up_message"
    WRITE_MESSAGE = "write_message"


class Read(acts.Read):
    """Personal data that officers can be shown here."""

    READ_MESSAGES = "read_messages"


FORMER: Mapping[str, Act] = {
    "undeliverable": Act.GIVE_UP_MESSAGE,
}
"""What rows of the audit of before say in the place of an act."""
