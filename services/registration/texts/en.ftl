provider-exists = The provider is already registered.
provider-unknown = There is no such provider.
other-provider = A provider registers itself only.
office-unknown = There is no such office.
municipality-unknown =
    { $reason ->
        [dissolved] The municipality was dissolved. Use the code of the one it merged into: { $merged_into }.
       *[unknown] There is no such municipality code.
    }
service-unknown = There is no such service.
service-not-open = The service has no description in force then. The first one is in force from { $opens_on }.
language-not-offered = The service is not offered in this service language ({ $language }). Service languages: { $offered }.
validity-inverted = The contract's last day { $valid_to } is before its first day { $valid_from }.
contract-exists = The provider already has a contract for this service in this service language.
contract-unknown = There is no such contract.
contract-not-in-force = The contract has ended or is not in force in { $year }.
count-only-raised = An announced client count can only be raised: it is { $current } now, so { $wanted } is not possible.
year-not-open = Client counts can be announced for { $this_year } and { $next_year }, not for { $year }.
window-closed = The client count of { $year } could be announced until { $closed_on }.
count-not-announced = There is no announced client count of { $year } to correct.
effective-out-of-range = The correction's first day must lie between { $earliest } and { $latest }.

gauges-title = Client counts
count-announced = announced
count-defaulted = count of the year before
column-provider-id = Business ID
column-provider = Provider
column-contract = Contract
column-service-code = Service code
column-service = Service
column-language = Service language
column-year = Year
column-announced = Client count
column-state = Where the count is from
column-decisions-used = Decisions given
column-decisions-left = Decisions left
column-decisions-overdrawn = Decisions beyond the count
column-places-used = Places on courses
column-places-left = Places left
column-places-overdrawn = Places beyond the count

## Registration and change requests

announced-too-late = A new company form is announced at least three months before. The earliest day is { $earliest }, not { $effective_from }.
change-not-open =
    { $state ->
        [approved] The change has been approved already.
        [rejected] The change has been rejected already.
       *[withdrawn] The request has been withdrawn.
    }
change-pending = A request about the same thing is open, or has been approved and is not in force yet.
change-unknown = There is no such request.
conditions-not-accepted = The registration can be submitted when the conditions of registration are accepted.
contract-ended = The provider's contract for this service in this service language ends on { $valid_to }.
date-in-past = The day { $day } is over: today is { $today }.
party-named-twice = Organisation number { $position } of the list is named already, or is the provider itself.
registration-ending = The registration ends on { $ends_on } already.
registration-exists = The office has an open registration for this service in this service language already.
registration-state =
    { $state ->
        [draft] This is not possible while the registration is a draft.
        [submitted] This is not possible while the registration is with Kela to be decided.
        [approved] This is not possible: the registration is approved and its contract is not registered yet.
        [contract_registered] This is not possible: the contract of the registration is in force.
        [rejected] This is not possible: the registration was rejected.
       *[ended] This is not possible: the registration has ended.
    }
registration-unknown = There is no such registration.
subcontracting-undeclared = Say whether the service has subcontractors: yes or no.
subcontractors-missing = Name at least one subcontractor: name, business ID and the part of the service it produces.
subcontractors-unexpected = There is no subcontracting, but { $named } subcontractors are named.
subcontractor-known = The subcontractor is on the list already.
subcontractor-unknown = The subcontractor is not on the list.

## Audits

finding-unknown = There is no such audit finding.
finding-not-in-state =
    The audit finding is { $state ->
        [open] open
        [action_reported] waiting for Kela
       *[closed] closed
    }, so this is not possible now.
due-date-past = The due date { $due_on } has gone by: today is { $today }.
service-not-provided = The provider has no contract for this service. Services it has a contract for: { $provided }.

## Choice-supporting information

choice-questions-none = This service has no questions that help clients choose.
choice-question-unknown = This service has no such question. Questions: { $known }.
choice-question-not-open =
    { $reason ->
        [later] The question { $question } opens on { $opens_on }. Open questions: { $open }.
       *[over] The question { $question } is no longer asked. Open questions: { $open }.
    }
choice-option-unknown = The question { $question } has no such option. Options: { $allowed }.
choice-answer-kind =
    The question { $question } is answered with { $kind ->
        [one_of] one option
        [some_of] one or more options
       *[number] a whole number
    }.
choice-number-out-of-range = The answer to { $question } is a whole number from { $minimum } to { $maximum }.

# What the audit says was done.
act-register-provider = Provider registered
act-register-office = Office registered
act-register-contract = Contract registered
act-end-contract = Last day of the contract changed
act-set-contact = Contact details of the contract changed
act-set-office-contact = Contact details of the office changed
act-set-responsible = Responsible person changed
act-set-biller = Biller changed
act-set-choice-information = Choice-supporting information changed
act-confirm-data = Data confirmed to be up to date
act-announce-count = Count announced
act-correct-count = Announced count corrected
act-draft-registration = Registration drafted
act-revise-draft = Draft of a registration changed
act-submit-registration = Registration submitted
act-decide-registration = Registration decided on
act-put-under-contract = Registration put under contract
act-end-registration = Registration ended
act-ask-for-change = Change asked for
act-end-change-request = Change request ended
act-open-finding = Audit finding opened
act-report-action = Corrective action reported
act-close-finding = Audit finding closed
act-reopen-finding = Audit finding reopened
act-apply-change = Change applied
act-default-count = Default count taken
act-finish-registration = Registration finished
act-let-change-lapse = Change lapsed
act-move-visiting-address = Visiting address moved
act-publish-descriptions = Service description published
act-recompose-registration = Composition of a registration changed
act-remind-of-finding = Reminder of an audit finding
act-remind-of-review = Reminder of a data review
act-read-administration = Administration of a contract shown
