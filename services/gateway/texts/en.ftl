# Shared texts
site-name = Provider search
site-owner = Kela rehabilitation courses
skip-to-content = Skip to content
language-choice = Choice of language
language-fi = Suomi
language-sv = Svenska
language-en = English
nav-main = Main menu
nav-search = Search
nav-docs = APIs
nav-sign-in = Sign in
nav-sign-out = Sign out
nav-sessions = Sign-ins
nav-provider = Own courses
nav-inbox = Messages
nav-officer = Quotas
nav-sms = SMS preview
nav-statistics = Statistics
footer-note = The search covers rehabilitation courses of the registration procedure. A course place requires a rehabilitation decision, which Kela makes.
footer-privacy = We do not store your search and we do not track you.
footer-data = Municipality data: Statistics Finland, classifications 2026 (CC BY 4.0), via geofi; municipal centres: National Land Survey of Finland, Topographic Database 4/2025 (CC BY 4.0).
development-notice = Development environment: the data are examples.
contents-page-title = { $page } – { site-name }

# Search
search-title = Find a rehabilitation course
search-lead = Tell us your municipality, your age and the language you want to be served in. You will see the courses that suit you, their free places and what others thought of them.
search-form-label = Search for courses
field-municipality = Municipality of residence
field-municipality-hint = For example Kuopio or Pedersöre
field-age = Age
field-age-hint = In years
field-language = Service language
field-service = Service
field-service-any = All services
service-language-fi = Finnish
service-language-sv = Swedish
optional = optional
search-button = Search
errors-title = { $count ->
    [one] Check one thing
   *[other] Check { $count } things
}
error-municipality-missing = Write the name of your municipality.
error-municipality-unknown = There is no municipality of this name. Check the spelling.
error-municipality-several = The name fits several municipalities. Choose one of them.
error-age-missing = Write your age in years.
error-age-not-a-number = Write your age in digits, for example 67.
error-age-not-whole = Write the age in whole years, for example 68 and not 68.5.
error-age-out-of-range = The age must be between 0 and 120 years.
error-language-unknown = Choose Finnish or Swedish as the service language.
error-service-unknown = Choose a service from the list.
did-you-mean = Did you mean:

how-title = How to get to a course
how-search-title = Compare courses
how-search = Look at dates, places, delivery and feedback. You can contact the provider directly.
how-apply-title = Apply to Kela for rehabilitation
how-apply = Kela makes a rehabilitation decision. Say in your application which provider's course you would like.
how-place-title = You get a place on the course
how-place = The provider reserves a place for you and agrees on the dates with you.

results-title = Search results
results-for = { $municipality }, aged { $age }, service language { $language ->
    [sv] Swedish
   *[fi] Finnish
}
results-offices = { $count ->
    [one] 1 office
   *[other] { $count } offices
}
results-courses = { $count ->
    [one] 1 course
   *[other] { $count } courses
}
results-free = { $count ->
    [one] 1 free place
   *[other] { $count } free places
}
results-order = The nearest office comes first.
results-none-title = No courses match your search
results-none = Try the other service language, or search all services. New courses are published all year round.
results-change = Change the search
results-more = Show more offices
national-note = The courses are national: you can choose a course anywhere in Finland.

distance = about { $km } km
distance-here = in your municipality
distance-near = under 1 km
contact-title = Contact
contact-phone = Phone
contact-email = Email
contact-web = Website
contact-address = Visiting address
contact-none = The provider has not given its contact details yet.
feedback-title = Client feedback
feedback-average = { $average } / 5
feedback-explained = Five is best. { $answers ->
    [one] 1 answer
   *[other] { $answers } answers
}.
feedback-too-few = There are too few answers to show yet.
feedback-too-few-explained = The average is shown once there are at least five answers.
choices-title = Information to help you choose

courses-none = No published courses right now.
course-number = Course { $number }
course-confirmed = Confirmed
course-not-confirmed = Not confirmed
course-running = Running
course-completed = Ended
course-confirmed-explained = The course is certain to take place.
course-not-confirmed-explained = The course is confirmed once there are enough participants.
course-places-label = { $size } places, { $free } of them free
course-places = { $free ->
    [0] No free places
    [one] 1 free place
   *[other] { $free } free places
}
course-places-of = / { $size }
course-all-ages = All age groups
course-language = Service language
course-group-size = Group size
course-target-groups = Target group
course-age-group = Age group
course-periods = Periods
course-service = Service
course-page-title = Course { $number }
course-unknown-title = Course not found
course-unknown = This course is not in the search. It may have been deleted, or the number is mistyped.
course-back = Back to the search
period-number = Period { $number }
period-dates = Dates
period-mode = Delivery
mode-face_to_face = Face to face
mode-online = Online
mode-remote = Remote
kind-opening = Opening period
kind-middle = Middle period
kind-closing = Closing period
age-from-to = Aged { $from }–{ $to }
age-from = Aged { $from } or over
age-to = Aged { $to } or under

quotas-title = Estimates and quotas
quotas-explained = Kela publishes an estimate of the number of new clients. The estimate may be exceeded. Once a quota is full, Kela makes no new decisions.
quota-full = The quota is full: { $service } { $year }. New decisions are made once there is room again.
quota-suspended = New decisions are suspended: { $service } { $year }.
quota-limit = Quota: { $service } { $year }, at most { $limit } new clients.
quota-estimate = Kela's estimate of new clients: { $service } { $year }, { $estimate }.

# Survey
survey-title = Feedback on the rehabilitation course
survey-lead = Answer the statements by your own experience. You answer anonymously, and it takes about five minutes.
survey-anonymous = The answer cannot be connected to you. We do not ask for a name, a personal identity code or bank credentials.
survey-own = The wording of the statements is this service's own.
survey-scale = Choose one option for each statement. 1 = fully agree, 5 = fully disagree.
survey-scale-1 = Fully agree
survey-scale-2 = Somewhat agree
survey-scale-3 = Neither agree nor disagree
survey-scale-4 = Somewhat disagree
survey-scale-5 = Fully disagree
survey-statement = Statement { $number } / { $total }
survey-send = Send the answers
survey-thanks-title = Thank you for your answer
survey-thanks = Your answer has been stored. The office's average appears in the search once there are at least five answers.
survey-closed-title = This survey can no longer be answered
survey-closed = It has been answered already, or the time for answering has ended. Thank you for your interest.
survey-unknown-title = Survey not found
survey-unknown = The link is incomplete or out of date. Check that the address is exactly the one in the text message.
survey-at-least = Answer at least { $needed } statements. You have answered { $given }.

# SMS preview
sms-title = What Kela's text message looks like
sms-lead = We send at most two feedback surveys to a client of a rehabilitation course. This is how to recognise the message:
sms-sign-sender = The sender is Kela.
sms-sign-data = The message has no name in it, nor other personal data.
sms-sign-bank = The message never asks for bank credentials.
sms-sign-fixed = The text is always the same as on this page.
sms-own = The wording of the message is this service's own.
sms-from = Kela
sms-feedback = { $language ->
    [sv] Feedback survey, in Swedish
   *[fi] Feedback survey, in Finnish
}
sms-course-confirmed = { $language ->
    [sv] Course confirmed, in Swedish
   *[fi] Course confirmed, in Finnish
}
sms-place-released = { $language ->
    [sv] Place released, in Swedish
   *[fi] Place released, in Finnish
}
sms-course-not-held = { $language ->
    [sv] Course not held, in Swedish
   *[fi] Course not held, in Finnish
}
sms-place-moved = { $language ->
    [sv] Place moved to another course, in Swedish
   *[fi] Place moved to another course, in Finnish
}
sms-application-waits = { $language ->
    [sv] Application waits, in Swedish
   *[fi] Application waits, in Finnish
}
sms-none = No message templates are available right now.

# Sign-in
sign-in-title = Development sign-in
sign-in-lead = This sign-in is for development and testing only. In production people sign in with an identification service.
sign-in-role = Role
role-provider = Provider
role-officer = Decision specialist at Kela
role-system = System at Kela
sign-in-provider-id = Business ID
sign-in-provider-id-hint = For providers only, for example 2828286-3
sign-in-button = Sign in
signed-in-as = Signed in: { $role } { $provider }
error-role-unknown = Choose a role.
error-provider-id = Write the provider's business ID as 2828286-3.
error-provider-id-check-digit = The check digit of the business ID does not fit. Check the digits.
sign-in-needed-title = Sign in first
sign-in-needed = This page is for people who have signed in.
sign-in-ended = Your sign-in has ended. A sign-in ends once { $idle } have passed since it was last used, once { $whole } have passed since it began at the latest, and when it is ended in another browser. If you had just sent a form, nothing of it was stored. Sign in, and you return to where you were.
sign-in-other-role = This belongs to another role than the one you are signed in with. Nothing was stored.
sign-in-form-kept = What you wrote is kept. Once you have signed in you see it again and can send it.
sign-in-off-title = Sign-in is not in use
sign-in-off = The development sign-in is turned off in this environment.
kept-form-title = Look through the form and send it again
kept-form-lead = The form has not been sent yet: its page belonged to a sign-in that has ended.
kept-form-decision_ref = Decision
kept-form-reason = Reason
kept-form-button = Send
kept-form-leave = Back to the page without sending
sessions-title = Where you are signed in
sessions-end = A sign-in ends once { $idle } have passed since it was last used, and once { $whole } have passed since it began at the latest.
sessions-this = This browser
sessions-other-browser = Another browser
sessions-other-system = another system
sessions-times = Signed in { $since }. Last used { $used }.
sessions-others = Sign out everywhere else
sessions-done-one = Signed out there.
sessions-done-others = Signed out everywhere else.
sessions-gone = That sign-in has ended already.

# Provider
provider-title = Own courses
provider-none = You have no courses yet.
provider-new-clients = Pinnable clients
provider-no-clients = No clients to pin.
provider-course = Course { $number }
provider-state = State
provider-publish = Publish
provider-publish-warning = Publishing cannot be undone. Check the details first.
provider-confirm = Confirm the course
provider-confirm-explained = By confirming you commit to carrying the course out on the dates given.
provider-confirm-not-yet = The course may be confirmed once at least { $needed } clients are pinned.
provider-pin = Pin
provider-pin-label = Decision
provider-pin-button = Pin the client
provider-unpin = Remove from the course
provider-unpin-reason = Why does the client leave? The course has had to be carried out, and Kela is told.
provider-pins = Pinned clients
provider-no-pins = No clients are pinned to this course.
provider-confirm-by = On a confirmed course by
provider-pinnable = Can be pinned
provider-back = Back to the courses
provider-done-published = The course is published and visible in the search.
provider-done-confirmed = The course is confirmed.
provider-done-pinned = The client is pinned to the course.
provider-done-unpinned = The client was removed from the course.
provider-refused-title = That did not work
inbox-title = Messages
inbox-none = No messages.
state-created = Created
state-published = Published
state-confirmed = Confirmed
state-running = Running
state-completed = Ended
state-deleted = Deleted
state-cancelled = Cancelled
reason-revoked = The decision has been revoked.
reason-annulled = The decision has been annulled.
reason-expired = The decision is no longer in force.
reason-used = The course has been attended.
reason-pinned_here = Pinned to this course.
reason-pinned_on_own_course = Pinned to your course.
reason-other_service = The decision is for another service.
reason-unknown = Cannot be pinned right now.

# Kela
officer-title = Estimates and quotas
officer-lead = Year { $year }
officer-none = There are no estimates or quotas for this year.
officer-service = Service
officer-estimate = Estimate
officer-limit = Quota
officer-used = New clients
officer-remaining = Remaining
officer-state = State
officer-no-quota = no quota
officer-open = Decisions are made
officer-full = Quota full
officer-suspended = Suspended

# APIs
docs-title = APIs
docs-lead = Every service has an API of its own. Calls go through this address: /api/service/…
docs-raw = OpenAPI document (JSON)
docs-unreachable = The service does not answer right now.
docs-operations = Operations
docs-schemas = Data structures
docs-parameters = Parameters
docs-body = Request body
docs-answers = Answers
docs-name = Name
docs-in = In
docs-type = Type
docs-required = Required
docs-description = Description
docs-refusals = Refusal codes
docs-yes = yes
docs-no = no
docs-fields = Fields
docs-back = All APIs
docs-contents = Contents
docs-version = Version { $version }

# Events
events-title = Events
events-lead = What the system tells Kela's other systems over Kafka.
events-raw = AsyncAPI document (JSON)
events-promises = What is promised
events-promise-delivery = Every event is delivered at least once. Keep the ce_id of what you have applied, and a repetition does no harm.
events-promise-order = Events of one key come in order. Between different keys there is no order.
events-promise-state = A state event tells its subject's whole public state and its version. The newest version wins.
events-promise-fact = A fact, such as a payment, counts once.
events-promise-additions = Fields and types may be added. Ignore those you do not know. Any other change is a new type (.v2) beside the old one.
events-promise-access = Those who operate the system give access to topics. Every reader has a user of its own.
events-topics = Topics
events-not-for-subscribers = Not for other systems.
events-owner = Written by
events-owner-external = Kela's other systems
events-readers = Read in the system by
events-key = Key
events-order = Order
events-order-by-key = { $partitions ->
    [one] Within the key, 1 partition
   *[other] Within the key, { $partitions } partitions
  }
events-retention = Retention
events-retention-for-ever = Everything is kept
events-retention-newest = The newest of each key is kept; an empty value removes it
events-retention-days = { $days ->
    [one] 1 day
   *[other] { $days } days
  }
events-personal-data = Personal data
events-data-none = No personal data
events-data-organisation_contact = An organisation's public contact details
events-data-pseudonym = References without names (pseudonyms)
events-data-restricted = Restricted
events-legal-basis = Basis
events-kind-state = state
events-kind-fact = fact
events-value = Value
events-example = Example

# Errors
problem-title = Something went wrong
problem-not-found-title = Page not found
problem-not-found = The address may be mistyped, or the page has been removed.
problem-unavailable-title = The service does not answer right now
problem-unavailable = Try again in a moment. Nothing has been stored.
problem-too-many-title = Too many requests
problem-too-many = Wait a moment and try again.
problem-csrf-title = The form is out of date
problem-csrf = Nothing was stored. Reload the page and send the form again.
problem-identity-title = Do not write a personal identity code
problem-identity = No personal identity codes are handled in this service. Nothing was stored. Remove the code and try again.
problem-in-field = Look at: { $field }.
problem-field-municipality = municipality of residence
problem-field-age = age
problem-field-reason = reason
problem-field-decision_ref = decision identifier
problem-field-provider_id = business ID
problem-too-large-title = Too much at once
problem-too-large = Nothing was stored. Send less at a time.
problem-forbidden-title = Not allowed
problem-forbidden = You are not allowed to see this page.
problem-home = To the front page

# Refusals of the API
unknown-service = There is no such service.
unknown-path = There is no such address.
upstream-unavailable = The service does not answer right now. Try again in a moment.
csrf-refused = The request lacks the session's form token.
too-many-requests = Too many requests. Wait a moment and try again.

statistics-title = Statistics
statistics-quotas = Estimates and client quotas { $year }
statistics-of-estimate = Share of the estimate
statistics-of-quota = Share of the quota
statistics-too-few = under 5
statistics-chart-and-files = Chart and files
statistics-internal = Statistics for Kela
statistics-contracts = Contracts by service
statistics-new-clients = New clients and forecast
statistics-decisions = Rehabilitation decisions by month
statistics-half-years = Persons paid for and costs
statistics-ages = Age distribution
statistics-group-sizes = Group sizes and changes of course
statistics-reported = Figures reported earlier
statistics-reported-note = The figures are as the source gives them. They were not worked out from one another, nor from the data of this system.
statistics-chart-of = Chart: { $table }. The same figures are in the table.
statistics-source = Source: { $source }.
