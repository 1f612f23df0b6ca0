"""What the audit says was done to decisions, quotas and settlements, and which personal data were shown."""

from collections.abc import Mapping

from chassis import acts


class Act(acts.Act):
    """What can be done here; the value is what the audit keeps."""

    # decisions
    GRANT_DECISION = "grant_decision"
    QUEUE_APPLICATION = "queue_application"
    REJECT_APPLICATION = "reject_application"
    WITHDRAW_APPLICATION = "withdraw_application"
    REVOKE_DECISION = "revoke_decision"
    ANNUL_DECISION = "annul_decision"
    SWAP_PROVIDER = "swap_provider"

    # clients
    CHANGE_CONTACT = "change_contact"
    CHANGE_ELIGIBILITY = "change_eligibility"
    ERASE_CLIENT = "erase_client"
    FILE_CONCERN = "file_concern"
    BEGIN_DISCUSSION = "begin_discussion"
    CLOSE_CONCERN = "close_concern"
    NOTE_CONTACT = "note_contact"
    NOTE_STAY = "note_stay"
    NOTE_SWAP_WISH = "note_swap_wish"
    END_SWAP = "end_swap"

    # quotas
    SET_QUOTA = "set_quota"
    SET_ESTIMATE = "set_estimate"
    REPAIR_DIFFERENCE = "repair_difference"

    # settlements
    PAY_PERIOD = "pay_period"
    SUBMIT_SETTLEMENT = "submit_settlement"
    ACCEPT_SETTLEMENT = "accept_settlement"
    REJECT_SETTLEMENT = "reject_settlement"
    ADD_PRICE_ANNEX = "add_price_annex"
    ADD_BILLING_FORM = "add_billing_form"

    # by itself
    GRANT_FROM_QUEUE = "grant_from_queue"
    INHERIT_FIRST_GRANT = "inherit_first_grant"
    LOAD_REPORTED_TABLE = "load_reported_table"
    NOTE_DIFFERENCE = "note_difference"
    REVIEW_DECISION = "review_decision"
    REVIEW_QUOTA = "review_quota"
    TAKE_QUOTA_SIGNAL = "take_quota_signal"


class Read(acts.Read):
    """Personal data that officers can be shown here."""

    READ_CONCERN = "read_concern"
    READ_CONCERNS = "read_concerns"
    READ_DECISION = "read_decision"
    READ_DECISIONS = "read_decisions"
    READ_DIFFERENCES = "read_differences"
    READ_FOLLOW_UP = "read_follow_up"
    READ_FOLLOW_UPS = "read_follow_ups"
    READ_PLANNED_PERIODS = "read_planned_periods"
    READ_REASONINGS = "read_reasonings"
    READ_SETTLEMENT = "read_settlement"
    READ_SETTLEMENTS = "read_settlements"


FORMER: Mapping[str, Act] = {
    "annul-decision": Act.ANNUL_DECISION,
    "grant-from-queue": Act.GRANT_FROM_QUEUE,
    "inherit-first-grant": Act.INHERIT_FIRST_GRANT,
    "repair-difference": Act.REPAIR_DIFFERENCE,
    "review-decision": Act.REVIEW_DECISION,
    "swap-provider": Act.SWAP_PROVIDER,
    "take-quota-signal": Act.TAKE_QUOTA_SIGNAL,
}
"""What rows of the audit of before say in the place of an act."""
