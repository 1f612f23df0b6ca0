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
contract-not-in-force = The contract has ended or is not in force in { $year }.
count-only-raised = An announced client count can only be raised: it is { $current } now, so { $wanted } is not possible.
year-not-open = Client counts can be announced for { $this_year } and { $next_year }, not for { $year }.
window-closed = The client count of { $year } could be announced until { $closed_on }.
count-not-announced = There is no announced client count of { $year } to correct.
effective-out-of-range = The correction's first day must lie between { $earliest } and { $latest }.
export-too-large = The table would have more than { $allowed_rows } rows. Narrow it, for example to a year or a service.

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
