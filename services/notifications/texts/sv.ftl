# Texterna för avslag. Koden med små bokstäver och bindestreck, värdena som variabler.

survey-not-found = Enkäten hittas inte. Kontrollera att länken är hel.
survey-closed = Enkäten är redan besvarad eller stängd. Tack.
too-few-answers = Besvara minst { $needed } av { $statements } påståenden. Nu är { $given } besvarade.
wrong-statement = Påståendena är numrerade 1–{ $statements }. Svar på annat tas inte emot.
wrong-score = Svaret är ett heltal { $best }–{ $worst }, där { $best } är helt av samma åsikt.

# What the audit says was done.
act-cancel-message = Meddelandet annullerat
act-give-up-message = Meddelandet kunde inte levereras
act-write-message = Meddelandet skrivet
act-read-messages = Meddelanden visade
