"""Value types that services share: plain enums and checked strings, standard library only."""

from enum import StrEnum


class Language(StrEnum):
    """Service languages (R-DEC-22)."""

    FI = "fi"
    SV = "sv"


class DecisionState(StrEnum):
    """States of a decision (domain section 7)."""

    PENDING = "pending"
    AWAITING_QUOTA = "awaiting_quota"
    GRANTED = "granted"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    REVOKED = "revoked"
    ANNULLED = "annulled"
    EXPIRED = "expired"
    USED = "used"


class CountChange(StrEnum):
    """How a year's announced count came to be what it is now (E-2, E-3)."""

    ANNOUNCED = "announced"
    DEFAULTED = "defaulted"
    CORRECTED = "corrected"


class RegistrationState(StrEnum):
    """States of the registration of an office for a service (domain section 7)."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    APPROVED = "approved"
    CONTRACT_REGISTERED = "contract_registered"
    REJECTED = "rejected"
    ENDED = "ended"


class ChangeKind(StrEnum):
    """What a provider changes only with Kela's approval (R-REG-5, P2)."""

    SUBCONTRACTOR_ADDED = "subcontractor_added"
    SUBCONTRACTOR_REMOVED = "subcontractor_removed"
    CONSORTIUM_CHANGED = "consortium_changed"
    VISITING_ADDRESS_CHANGED = "visiting_address_changed"
    PREMISES_CHANGED = "premises_changed"
    COMPANY_FORM_CHANGED = "company_form_changed"
    MERGER_OR_SALE = "merger_or_sale"
    STAFF_CHANGED = "staff_changed"


class ChangeState(StrEnum):
    """States of a request for such a change."""

    SUBMITTED = "submitted"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


class CourseState(StrEnum):
    """States of a course (domain section 7)."""

    CREATED = "created"
    PUBLISHED = "published"
    CONFIRMED = "confirmed"
    RUNNING = "running"
    COMPLETED = "completed"
    DELETED = "deleted"
    CANCELLED = "cancelled"


class PinState(StrEnum):
    """States of a pin (domain section 7)."""

    ACTIVE = "active"
    RELEASED = "released"
    MOVED = "moved"
    FULFILLED = "fulfilled"
    INTERRUPTED = "interrupted"


class ReleaseReason(StrEnum):
    """Why a pin was released (domain section 7)."""

    PROVIDER = "provider"
    DECISION_REVOKED = "decision_revoked"
    DECISION_ANNULLED = "decision_annulled"
    PROVIDER_CHANGED = "provider_changed"
    COURSE_DELETED = "course_deleted"
    COURSE_CANCELLED = "course_cancelled"
    DID_NOT_HAPPEN = "did_not_happen"


class ReportKind(StrEnum):
    """What Kela is told about a course or a client's place."""

    CANNOT_PLACE_CLIENT = "cannot_place_client"
    LATE_DELETION = "late_deletion"
    LATE_MOVE = "late_move"
    MUST_RUN_COURSE_DELETED = "must_run_course_deleted"
    MUST_RUN_COURSE_MOVED = "must_run_course_moved"
    CLIENT_LEFT_MUST_RUN_COURSE = "client_left_must_run_course"
    CANNOT_CONFIRM_PAST_COURSE = "cannot_confirm_past_course"


class PeriodKind(StrEnum):
    """Place of a period within its course."""

    OPENING = "opening"
    MIDDLE = "middle"
    CLOSING = "closing"


class DeliveryMode(StrEnum):
    """Delivery mode of one period (R-CRS-46)."""

    FACE_TO_FACE = "face_to_face"
    ONLINE = "online"
    REMOTE = "remote"


class Coverage(StrEnum):
    """Where a service is offered (R-REG-1, E-48)."""

    NATIONAL = "national"
    REGIONAL = "regional"


class ChoiceKind(StrEnum):
    """How a question of the choice-supporting information is answered (R-SRCH-9)."""

    ONE_OF = "one_of"
    SOME_OF = "some_of"
    NUMBER = "number"


class Severity(StrEnum):
    """How grave an audit finding is; the three steps are this system's own (R-REG-11 names none)."""

    MINOR = "minor"
    MAJOR = "major"
    CRITICAL = "critical"


class FindingState(StrEnum):
    """States of an audit finding; overdue is derived from the due date (R-REG-11)."""

    OPEN = "open"
    ACTION_REPORTED = "action_reported"
    CLOSED = "closed"


class Provenance(StrEnum):
    """Where a parameter value comes from; demo values are never passed off as known."""

    SEED = "seed"
    PUBLIC = "public"
    DEMO = "demo"


class PersonalDataClass(StrEnum):
    """What kind of personal data a topic carries."""

    NONE = "none"
    ORGANISATION_CONTACT = "organisation_contact"
    PSEUDONYM = "pseudonym"
    RESTRICTED = "restricted"
