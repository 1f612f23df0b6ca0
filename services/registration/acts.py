"""What the audit says was done to providers, offices, contracts and registrations (decision record 0032)."""

from collections.abc import Mapping

from chassis import acts


class Act(acts.Act):
    """What can be done here; the value is what the audit keeps."""

    # providers, offices and contracts
    REGISTER_PROVIDER = "register_provider"
    REGISTER_OFFICE = "register_office"
    REGISTER_CONTRACT = "register_contract"
    END_CONTRACT = "end_contract"
    SET_CONTACT = "set_contact"
    SET_OFFICE_CONTACT = "set_office_contact"
    SET_RESPONSIBLE = "set_responsible"
    SET_BILLER = "set_biller"
    SET_CHOICE_INFORMATION = "set_choice_information"
    CONFIRM_DATA = "confirm_data"

    # counts
    ANNOUNCE_COUNT = "announce_count"
    CORRECT_COUNT = "correct_count"

    # registrations
    DRAFT_REGISTRATION = "draft_registration"
    REVISE_DRAFT = "revise_draft"
    SUBMIT_REGISTRATION = "submit_registration"
    DECIDE_REGISTRATION = "decide_registration"
    PUT_UNDER_CONTRACT = "put_under_contract"
    END_REGISTRATION = "end_registration"

    # change requests
    ASK_FOR_CHANGE = "ask_for_change"
    END_CHANGE_REQUEST = "end_change_request"

    # audit findings
    OPEN_FINDING = "open_finding"
    REPORT_ACTION = "report_action"
    CLOSE_FINDING = "close_finding"
    REOPEN_FINDING = "reopen_finding"

    # by itself
    APPLY_CHANGE = "apply_change"
    DEFAULT_COUNT = "default_count"
    FINISH_REGISTRATION = "finish_registration"
    LET_CHANGE_LAPSE = "let_change_lapse"
    MOVE_VISITING_ADDRESS = "move_visiting_address"
    PUBLISH_DESCRIPTIONS = "publish_descriptions"
    RECOMPOSE_REGISTRATION = "recompose_registration"
    REMIND_OF_FINDING = "remind_of_finding"
    REMIND_OF_REVIEW = "remind_of_review"


class Read(acts.Read):
    """Personal data that officers can be shown here."""

    READ_ADMINISTRATION = "read_administration"


FORMER: Mapping[str, Act] = {
    "change_lapsed": Act.LET_CHANGE_LAPSE,
    "finding_action_reported": Act.REPORT_ACTION,
    "finding_closed": Act.CLOSE_FINDING,
    "finding_opened": Act.OPEN_FINDING,
    "finding_reopened": Act.REOPEN_FINDING,
}
"""What rows of the audit of before say in the place of an act."""
