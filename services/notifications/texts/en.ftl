# Texts of the refusals. The code in lower case with hyphens, its figures as variables.

survey-not-found = The survey was not found. Check that the link is complete.
survey-closed = The survey has been answered already or is closed. Thank you.
too-few-answers = Answer at least { $needed } of the { $statements } statements. { $given } are answered now.
wrong-statement = The statements are numbered 1–{ $statements }. Answers to anything else are not taken.
wrong-score = An answer is a whole number { $best }–{ $worst }, where { $best } means fully agree.

# What the audit says was done.
act-cancel-message = Message cancelled
act-give-up-message = Message could not be delivered
act-write-message = Message written
act-read-messages = Messages shown
