business-id-invalid = The business ID does not work: it has seven digits, a hyphen, and a check digit that fits them.
provider-exists = The provider is already registered.
provider-unknown = There is no such provider.
other-provider = A provider registers itself only.
office-unknown = There is no such office.
municipality-unknown =
    { $reason ->
        [dissolved] The municipality was dissolved. Use the code of the one it merged into: { $merged_into }.
       *[unknown] There is no such municipality code.
    }
phone-invalid = The phone number does not work. Give the country code of a foreign number.
service-unknown = There is no such service.
service-not-open = The service has no description in force then. The first one is in force from { $opens_on }.
language-not-offered = The service is not offered in this service language ({ $language }). Service languages: { $offered }.
validity-inverted = The contract's last day { $valid_to } is before its first day { $valid_from }.
contract-exists = The provider already has a contract for this service in this service language.
contract-unknown = There is no such contract.
contract-not-in-force = The contract is not in force in { $year }.
count-only-raised = An announced client count can only be raised: it is { $current } now, so { $wanted } is not possible.
year-not-open = Client counts can be announced for { $this_year } and { $next_year }, not for { $year }.
window-closed = The client count of { $year } could be announced until { $closed_on }.

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
