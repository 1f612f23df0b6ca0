validation = En del uppgifter saknas eller är fel.
personal-identity-code = { $field } innehåller något som ser ut som en personbeteckning. Skicka aldrig en sådan, utan använd beslutsidentifikationen.
body-too-large = Begäran är större än { $allowed_bytes } byte.
unauthenticated = Logga in först.
not-allowed = Din roll har inte rätt att göra detta.
not-found = Det finns ingenting på den här adressen.
method-not-allowed = Adressen tar inte emot den här metoden.
stale-version = Uppgifterna har ändrats under tiden: den aktuella versionen är { $current }.
not-yet-known = Det du nyss sparade har inte kommit fram än. Försök igen om en stund.
idempotency-key-reused = Denna Idempotency-Key har redan använts för en annan begäran.
idempotency-key-spent = Ett kommando har redan utförts med denna Idempotency-Key, och det går inte längre att avgöra om det var detta. Kontrollera först läget.
idempotency-key-invalid = En Idempotency-Key är 1–128 utskrivbara tecken.
if-match-invalid = If-Match tar versioner inom citattecken, till exempel "3", åtskilda med kommatecken, eller *.
rekku-known-invalid = Rekku-Known har formen objekt:id@version, åtskilda med kommatecken, för högst 20 objekt.
issuer-unreachable = Identifieringstjänsten kan inte nås just nu, så din inloggning kunde inte kontrolleras. Inget ändrades; försök igen om en stund.
unavailable = Tjänsten kan inte svara just nu. Försök igen om en stund.
internal = Något gick fel hos oss. Inget ändrades.
export-too-large = Tabellen skulle ha över { $allowed_rows } rader. Avgränsa till exempel enligt år eller service.
text-empty = Skriv något i fältet: det finns inget synligt i det.
text-too-short = Texten är för kort: den ska ha minst { $shortest } tecken.
text-too-long = Texten är för lång: den får ha högst { $longest } tecken.
text-bidirectional = Texten innehåller osynliga tecken som vänder skrivriktningen. Skriv texten på nytt.
text-overmarked = För många accenter eller andra tecken står på en bokstav. Skriv texten på nytt.
text-control-character = Texten innehåller tecken som inte är text, eller en radbrytning som inte hör hit. Skriv texten på nytt.
business-id-invalid = FO-numret duger inte: det har sju siffror, ett bindestreck och en kontrollsiffra, till exempel 2828286-3.
business-id-check-digit = FO-numrets kontrollsiffra stämmer inte. Kontrollera siffrorna.
phone-invalid = Telefonnumret duger inte. Skriv bara ett nummer, utan anknytning, och även landsnumret om numret är utländskt.
not-mobile = Det går inte att skicka sms till numret. Ange ett mobilnummer.
email-invalid = E-postadressen duger inte. Kontrollera stavningen.
web-invalid = Webbadressen duger inte: den börjar med https:// och har varken mellanslag eller osynliga tecken, till exempel https://www.sydankunto.fi/.
decision-ref-invalid = Beslutsidentifikationen duger inte: den har tretton bokstäver och siffror. Se rehabiliteringsbeslutet.
decision-ref-check-character = Det finns ett skrivfel i beslutsidentifikationen: dess kontrolltecken stämmer inte. Se rehabiliteringsbeslutet.
iban-invalid = Kontonumret har inte formen av ett IBAN. Kontrollera dess längd och tecken.
iban-check-digits = Det finns ett skrivfel i kontonumret: dess kontrollsiffror stämmer inte.
reference-number-invalid = Referensnumret duger inte: det har 4–20 siffror, eller är en RF-referens.
reference-number-check-digit = Det finns ett skrivfel i referensnumret: dess kontrollsiffra stämmer inte.
municipality-unknown = Kommunen finns inte. Ange kommunens tresiffriga kod.
age-invalid = Skriv åldern med siffror, till exempel 67.
age-not-whole = Skriv åldern i hela år, utan delar av år: enligt den senaste födelsedagen.
age-out-of-range = Åldern ska vara 0–{ $oldest } år.
malformed-body = { $why ->
    [not_utf_8] Innehållet är inte text i UTF-8.
    [too_deep] Innehållet har för många nivåer.
    [number_too_long] Innehållet har ett för långt tal.
    [too_many_fields] Formuläret har för många fält.
   *[not_json] Innehållet är inte JSON.
}
malformed-header = Begärans { $field } kan inte läsas.
unsupported-media-type = Innehållets typ eller teckenkodning tas inte emot. Skicka JSON i UTF-8.
unknown-parameter = { $nearest ->
    [none] Adressen tar inte emot några parametrar.
    [unlike] Adressen känner inte till en parameter som skickades. Den tar emot: { $known }.
   *[other] Adressen känner inte till en parameter som skickades. Menade du { $nearest }?
}
repeated-parameter = Parametern { $name } skickades flera gånger. Skicka den en gång.
refused = Begäran avvisades.

# What the audit says was done.
act-discard-dead-letter = Felbrev förkastat
act-replay-dead-letter = Felbrev behandlat på nytt
act-retry-set-aside = Åsidosatta meddelanden skickade på nytt
act-read-dead-letter = Felbrev visat
