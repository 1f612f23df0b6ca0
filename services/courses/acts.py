"""What the audit says was done to courses and pins, and which personal data were shown (decision record 0032)."""

from chassis import acts


class Act(acts.Act):
    """What can be done here; the value is what the audit keeps."""

    # courses
    CREATE_COURSE = "create_course"
    PUBLISH_COURSE = "publish_course"
    CONFIRM_COURSE = "confirm_course"
    CONFIRM_RETROACTIVELY = "confirm_retroactively"
    RESIZE_COURSE = "resize_course"
    RETARGET_COURSE = "retarget_course"
    RESCHEDULE_COURSE = "reschedule_course"
    MIX_AGES = "mix_ages"
    ACKNOWLEDGE_MIXED_AGES = "acknowledge_mixed_ages"
    SET_CONTACT = "set_contact"
    LINK_CONTACT = "link_contact"
    END_COURSE = "end_course"
    REPORT_UNCONFIRMABLE = "report_unconfirmable"

    # clients' places
    PIN_CLIENT = "pin_client"
    UNPIN_CLIENT = "unpin_client"
    MOVE_CLIENT = "move_client"
    NOTE_PARTICIPATION = "note_participation"
    INTERRUPT_REHABILITATION = "interrupt_rehabilitation"
    REPORT_CANNOT_PLACE = "report_cannot_place"

    # unfinished courses of the older system
    IMPORT_DRAFT = "import_draft"
    COMPLETE_DRAFT = "complete_draft"
    DELETE_DRAFT = "delete_draft"

    # by itself
    BEGIN_COURSE = "begin_course"
    COMPLETE_COURSE = "complete_course"
    FULFIL_PIN = "fulfil_pin"
    RELEASE_CLIENT = "release_client"


class Read(acts.Read):
    """Personal data that officers can be shown here."""

    READ_AGE_NOTICES = "read_age_notices"
    READ_HISTORY_OF_COURSE = "read_history_of_course"
    READ_HISTORY_OF_DECISION = "read_history_of_decision"
    READ_PINNABLE_CLIENTS = "read_pinnable_clients"
    READ_PINS = "read_pins"
    READ_PINS_OF_DECISION = "read_pins_of_decision"
    READ_REPORTS = "read_reports"
