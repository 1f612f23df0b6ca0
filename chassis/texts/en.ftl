validation = Some fields are missing or wrong.
personal-identity-code = { $field } holds something that looks like a personal identity code. Never send one; use the decision identifier.
body-too-large = The request is larger than { $allowed_bytes } bytes.
unauthenticated = Sign in to do this.
not-allowed = Your role may not do this.
not-found = There is nothing at this address.
method-not-allowed = This address does not take this method.
stale-version = The data changed meanwhile: the current version is { $current }.
not-yet-known = What you just saved has not arrived here yet. Try again in a moment.
idempotency-key-reused = This Idempotency-Key was already used for another request.
idempotency-key-spent = A command was already done under this Idempotency-Key, and it can no longer be told whether it was this one. Look at what is there first.
idempotency-key-invalid = An Idempotency-Key is 1 to 128 printable characters.
if-match-invalid = If-Match takes versions in quotes, such as "3", separated by commas, or *.
rekku-known-invalid = Rekku-Known takes subject:id@version, separated by commas, for at most 20 subjects.
issuer-unreachable = The identification service cannot be reached right now, so your sign-in could not be checked. Nothing was changed; try again in a moment.
unavailable = The service cannot answer right now. Try again in a moment.
internal = Something went wrong on our side. Nothing was changed.
export-too-large = The table would have more than { $allowed_rows } rows. Narrow it, for example to a year or a service.
text-empty = Write something: nothing in the field can be seen.
text-too-short = The text is too short: it needs at least { $shortest } characters.
text-too-long = The text is too long: it may have { $longest } characters at most.
text-bidirectional = The text holds invisible characters that turn the direction of writing. Write it anew.
text-overmarked = Too many accents or other marks stand on one letter. Write the text anew.
text-control-character = The text holds characters that are no text, or a line break that does not belong here. Write it anew.
business-id-invalid = The business ID does not work: it has seven digits, a hyphen and a check digit, such as 2828286-3.
business-id-check-digit = The check digit of the business ID does not fit. Check the digits.
phone-invalid = The phone number does not work. Write one number only, without an extension, and with the country code if it is from abroad.
not-mobile = No text message can be sent to this number. Give the number of a mobile phone.
email-invalid = The e-mail address does not work. Check the spelling.
web-invalid = The web address does not work: it begins with https:// and has neither spaces nor invisible characters, such as https://www.sydankunto.fi/.
decision-ref-invalid = The decision identifier does not work: it has thirteen letters and digits. Look it up in the rehabilitation decision.
decision-ref-check-character = There is a slip in the decision identifier: its check character does not fit. Look it up in the rehabilitation decision.
iban-invalid = The account number does not have the form of an IBAN. Check its length and characters.
iban-check-digits = There is a slip in the account number: its check digits do not fit.
reference-number-invalid = The reference number does not work: it has 4 to 20 digits, or is an RF reference.
reference-number-check-digit = There is a slip in the reference number: its check digit does not fit.
municipality-unknown = There is no such municipality. Give its three-digit code.
age-invalid = Write the age in digits, for example 67.
age-not-whole = Write the age in whole years, without parts of a year: as of the last birthday.
age-out-of-range = The age must be between 0 and { $oldest } years.
malformed-body = { $why ->
    [not_utf_8] The body is not text in UTF-8.
    [too_deep] The body is nested too deeply.
    [number_too_long] The body holds a number that is too long.
    [too_many_fields] The form has too many fields.
   *[not_json] The body is not JSON.
}
malformed-header = The request's { $field } cannot be read.
unsupported-media-type = The body's media type or encoding is not taken here. Send JSON in UTF-8.
unknown-parameter = { $nearest ->
    [none] This address takes no parameters.
    [unlike] This address does not take a parameter that was sent. It takes: { $known }.
   *[other] This address does not take a parameter that was sent. Was { $nearest } meant?
}
repeated-parameter = The parameter { $name } was sent more than once. Send it once.
refused = The request was refused.

# What the audit says was done.
act-discard-dead-letter = Dead letter given up
act-replay-dead-letter = Dead letter applied again
act-retry-set-aside = Records set aside asked to be published
act-read-dead-letter = Dead letter shown
