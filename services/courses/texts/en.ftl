course-unknown = There is no such course.
course-gone = Course { $course_number } is over, deleted or cancelled.
course-started = The first day of the course, { $first_day }, has already begun.
not-published = Course { $course_number } must be published first.
already-published = Course { $course_number } is already published.
already-confirmed = Course { $course_number } is already confirmed.
confirm-too-few = A course can be confirmed when at least { $needed } clients are pinned. Now { $pinned } are.
course-full = { $offer ->
    [grow_group] The course is full: { $group_size } places are taken. You can grow the group to { $may_grow_to }.
   *[none] The course is full: { $group_size } places are taken.
}
decision-unknown = There is no decision for you with this decision identifier.
decision-revoked = The decision was revoked, so the client cannot be pinned.
decision-not-granted = The decision is not a valid grant.
other-provider = The decision was given to another provider.
other-service = The decision is for another service ({ $decision_service }); the course's service is { $course_service }.
already-pinned = The client is already pinned to your course { $course_number }.
not-pinned = The client is not pinned to this course.
contract-unknown = There is no such contract.
contract-not-valid = { $valid_to ->
    [None] The contract is valid from { $valid_from }.
   *[other] The contract is valid from { $valid_from } to { $valid_to }.
}
office-unknown = There is no such office.
office-closed = The office is closed.
office-of-other-provider = The office belongs to another provider than the contract.
not-a-course-service = This service has no courses.
no-description-in-force = The service has no service description in force.
group-size-out-of-range = { $group_max ->
    [None] The group size must be at least { $group_min }.
   *[other] The group size must be { $group_min } to { $group_max }.
}
target-group-unknown = The target group is not in the service description. Its groups are: { $known }.
target-groups-count = Choose { $least } to { $most } different target groups. Chosen: { $chosen }.
age-group-required = The service description asks for an age group: { $known }.
age-group-unknown = The age group is not in the service description. Its groups are: { $known }.
periods-in-past = The course cannot begin on a day that has passed ({ $first_day }).
period-backwards = The last day of period { $number } is before its first.
periods-overlap = Period { $number } begins before the one before it ends.
period-plan-mismatch = The service description has { $planned } periods, { $given } were given.
period-length = Period { $number } lasts { $planned } days in the service description, { $given } were given.
period-mode-planned = The delivery mode of period { $number } is fixed in the service description: { $mode }.
period-mode-required = Choose the delivery mode of period { $number }.
total-duration-exceeded = The course may last { $months } months: its last day can be { $latest }, given { $last_day }.
place-ledger-full = The announced count for { $year } is { $announced }. Courses already have { $reserved } places and { $free } are free, so { $requested } do not fit. You can raise the announced count.
cursor-invalid = This is not a place in the list. Start from its beginning.
not-confirmed = Course { $course_number } is not confirmed: Kela cancels only confirmed and running courses.
confirmed = Course { $course_number } is confirmed, so it must be carried out. Only Kela can cancel it.
must-run = { $pinned } clients are pinned. From { $must_run_at } on the course must be carried out. Contact Kela if that is not possible.
transfers-missing = { $pinned } clients are pinned. Say for each of them to which course they move; { $planned } are planned.
reason-required = Say why: Kela is told of this.
course-not-started = The course begins on { $first_day }. This can be said only after that.
late-confirm-too-few = { $pinned_at_start } clients were pinned when the course began, { $needed } are needed. Ask Kela to confirm the course.
not-ended = The course was neither deleted nor cancelled.
draft-unknown = There is no such unfinished course.
draft-gone = The unfinished course has already been completed or deleted.
draft-exists = This unfinished course has already been imported.
draft-too-new = Since { $cut_over } unfinished courses can no longer be saved. This one is from { $saved_on }.
shrink-after-confirmation = A confirmed course can only grow. Its group size is { $group_size }.
shrink-below-pinned = { $pinned } clients are pinned, so the group size cannot be { $requested }.
target-group-frozen = Course { $course_number } was confirmed on { $confirmed_on }, so those it is for can no longer be changed.
period-frozen = These periods can no longer be moved: { $periods }. The course is committed to them, or they have begun.
consent-missing = { $change ->
    [dates] These pinned clients have not agreed to the new dates: { $decision_refs }.
   *[course] Agree the change with the client first, and say when and how it was agreed.
}
consent-in-future = The client's consent cannot be from { $given_on }: today is { $today }.
guardian-needed = On a family course consent is the guardian's to give. Record the guardian's consent.
deadline-breaks = The course would begin on { $first_day }, after the day by which these clients must be on a confirmed course: { $decision_refs }.
mixed-age-not-last = The announced count for { $year } still has { $free } free places, which is enough for another course ({ $group_min }). Only the year's last course may be for every age.
no-age-group = Course { $course_number } is not for one age group.
not-mixed-age = Course { $course_number } is not for every age.
age-notice-missing = These clients must first be told that the course is for every age and that they may change provider: { $decision_refs }.

# Clients between courses
course-not-begun = Course { $course_number } has not begun: it begins on { $first_day }. Remove the client from the course instead.
must-run-reason-required = Course { $course_number } has had to be carried out since { $must_run_since }. Say why the client leaves it; Kela is told.
nothing-attended = The client has attended no period of this course, so none of them can be the last one.
nothing-remains = The client has already attended every period.
participation-not-noted = First note whether the client attended these periods of course { $course_number }: { $periods }.
path-too-long = The client's whole rehabilitation may last { $months } months from { $first_day }, the first day attended: until { $latest }. On this course it would last until { $last_day }.
paths-too-long = A whole rehabilitation may last { $months } months from the first day attended. With these dates it would last until { $last_day } for clients who began on another course: { $decision_refs }. Their latest last days: { $latest }.
period-not-begun = Period { $number } has not begun while the client was on the course.
period-not-planned = The client is not to attend that period. The client's periods are: { $planned }.
period-noted-twice = A period was either attended or missed, not both: { $periods }.
periods-do-not-match = The client has attended periods of a course with { $periods_before } periods. This course is not divided in the same way; it has { $periods_there }.
periods-not-after = Period { $number } begins on { $first_day }, but the client attends the other course until { $attended_until }.
periods-passed = These periods of course { $course_number } that the client needs are already over: { $periods }.
same-course = The client is to move to another course.
target-group-mismatch = The course is not for the client's disease group. It is for: { $allowed }.
age-mismatch = { $max_age ->
    [None] The course is for clients who are at least { $min_age } on { $on }.
   *[other] { $min_age ->
        [None] The course is for clients who are at most { $max_age } on { $on }.
       *[other] The course is for clients who are { $min_age } to { $max_age } on { $on }.
    }
}

# Courses and places as a table
courses-title = Courses
pins-title = Pins
yes = yes
no = no
every-age = every age
every-period = all
column-provider-id = Business ID
column-contract = Contract
column-office = Office
column-course-number = Course number
column-course-id = Course identifier
column-service-code = Service code
column-service = Service
column-language = Service language
column-state = State
column-stale = Past its start, not confirmed
column-year = Year
column-first-day = First day
column-last-day = Last day
column-target-groups = Target groups
column-age-group = Age group
column-group-size = Group size
column-pinned = Clients pinned
column-occupied = Places taken
column-free-places = Places free
column-must-run = Must be carried out
column-must-run-since = Has had to be carried out since
column-confirm-by = Confirm by
column-confirmed-on = Confirmed on
column-late-confirmed = Confirmed after its start
column-decision = Decision identifier
column-reason = Why it ended
column-pinned-on = Pinned on
column-ended-on = Ended on
column-occupies-place = Takes a place
column-periods-planned = Periods planned
column-periods-attended = Periods attended
column-periods-missed = Periods missed
column-moved-from = Moved from course
column-moved-to = Moved to course
course-state-created = created
course-state-published = published
course-state-confirmed = confirmed
course-state-running = running
course-state-completed = completed
course-state-deleted = deleted
course-state-cancelled = cancelled
pin-state-active = active
pin-state-released = released
pin-state-moved = moved
pin-state-fulfilled = fulfilled
pin-state-interrupted = interrupted
pin-reason-provider = the provider removed the client
pin-reason-decision-revoked = the decision was revoked
pin-reason-decision-annulled = the decision was annulled
pin-reason-provider-changed = the provider changed
pin-reason-course-deleted = the course was deleted
pin-reason-course-cancelled = the course was cancelled
pin-reason-did-not-happen = the course did not take place

# What the audit says was done.
act-create-course = Course created
act-publish-course = Course published
act-confirm-course = Course confirmed
act-confirm-retroactively = Course confirmed late
act-resize-course = Group size changed
act-retarget-course = Target groups changed
act-reschedule-course = Course dates moved
act-mix-ages = Course opened to all ages
act-acknowledge-mixed-ages = Client's knowledge of mixed ages recorded
act-set-contact = Contact details changed
act-link-contact = Contact details of the contract restored
act-end-course = Course cancelled or deleted
act-report-unconfirmable = Kela notified that the course cannot be confirmed
act-pin-client = Client pinned to a course
act-unpin-client = Client unpinned
act-move-client = Client moved to another course
act-note-participation = Participation recorded
act-interrupt-rehabilitation = Rehabilitation interrupted
act-report-cannot-place = Kela notified that no course can be found for the client
act-import-draft = Unfinished course imported from the older system
act-complete-draft = Unfinished course completed
act-delete-draft = Unfinished course deleted
act-begin-course = Course began
act-complete-course = Course completed
act-fulfil-pin = Client's course fulfilled
act-release-client = Client released from the course
act-read-age-notices = Acknowledgements of mixed ages shown
act-read-history-of-course = History of a course shown
act-read-history-of-decision = Course history of a decision shown
act-read-pinnable-clients = Clients to be pinned shown
act-read-pins = Pins shown
act-read-pins-of-decision = Pins of a decision shown
act-read-reports = Reports to Kela shown
