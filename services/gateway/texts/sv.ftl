# Gemensamma texter
site-name = Sökning av serviceproducent
site-owner = FPA:s rehabiliteringskurser
skip-to-content = Gå till innehållet
language-choice = Språkval
language-fi = Suomi
language-sv = Svenska
language-en = English
nav-main = Huvudmeny
nav-search = Sök
nav-docs = Gränssnitt
nav-sign-in = Logga in
nav-sign-out = Logga ut
nav-sessions = Inloggningar
nav-provider = Egna kurser
nav-inbox = Meddelanden
nav-officer = Kvoter
nav-sms = Modell för sms
nav-statistics = Statistik
footer-note = I sökningen finns rehabiliteringskurser inom registreringsförfarandet. Till en kurs kommer man med ett rehabiliteringsbeslut från FPA.
footer-privacy = Vi sparar inte din sökning och använder ingen spårning.
footer-data = Kommunuppgifter: Statistikcentralen, klassificeringar 2026 (CC BY 4.0), geofi; kommuncentra: Lantmäteriverket, Terrängdatabasen 4/2025 (CC BY 4.0).
development-notice = Utvecklingsmiljö: uppgifterna är exempel.
contents-page-title = { $page } – { site-name }

# Sökning
search-title = Hitta en rehabiliteringskurs
search-lead = Ange din boendekommun, din ålder och ditt servicespråk. Du ser de kurser som passar dig, lediga platser och andra klienters respons.
search-form-label = Sök kurser
field-municipality = Boendekommun
field-municipality-hint = Till exempel Kuopio eller Pedersöre
field-age = Ålder
field-age-hint = I år
field-language = Servicespråk
field-service = Tjänst
field-service-any = Alla tjänster
service-language-fi = Finska
service-language-sv = Svenska
optional = frivillig
search-button = Sök
errors-title = { $count ->
    [one] Kontrollera en punkt
   *[other] Kontrollera { $count } punkter
}
error-municipality-missing = Skriv namnet på din boendekommun.
error-municipality-unknown = Ingen kommun med detta namn hittades. Kontrollera stavningen.
error-municipality-several = Namnet passar in på flera kommuner. Välj en av dem.
error-age-missing = Skriv din ålder i år.
error-age-not-a-number = Skriv åldern med siffror, till exempel 67.
error-age-not-whole = Skriv åldern i hela år, till exempel 68 och inte 68,5.
error-age-out-of-range = Åldern ska vara 0–120 år.
error-language-unknown = Välj finska eller svenska som servicespråk.
error-service-unknown = Välj en tjänst i listan.
did-you-mean = Menade du:

how-title = Så kommer du till en kurs
how-search-title = Jämför kurser
how-search = Se tider, platser, genomförandeform och respons. Du kan kontakta serviceproducenten direkt.
how-apply-title = Ansök om rehabilitering hos FPA
how-apply = FPA fattar ett rehabiliteringsbeslut. Berätta i ansökan vilken serviceproducents kurs du önskar.
how-place-title = Du får en plats på kursen
how-place = Serviceproducenten reserverar en plats åt dig och kommer överens med dig om tiderna.

results-title = Sökresultat
results-for = { $municipality }, { $age } år, servicespråk { $language ->
    [sv] svenska
   *[fi] finska
}
results-offices = { $count ->
    [one] 1 verksamhetsställe
   *[other] { $count } verksamhetsställen
}
results-courses = { $count ->
    [one] 1 kurs
   *[other] { $count } kurser
}
results-free = { $count ->
    [one] 1 ledig plats
   *[other] { $count } lediga platser
}
results-order = Det närmaste verksamhetsstället visas först.
results-none-title = Inga kurser motsvarar din sökning
results-none = Pröva ett annat servicespråk eller sök bland alla tjänster. Nya kurser publiceras hela året.
results-change = Ändra sökningen
results-more = Visa fler verksamhetsställen
national-note = Kurserna är riksomfattande: du kan välja en kurs var som helst i Finland.

distance = cirka { $km } km
distance-here = i din hemkommun
distance-near = under 1 km
contact-title = Kontaktuppgifter
contact-phone = Telefon
contact-email = E-post
contact-web = Webbplats
contact-address = Besöksadress
contact-none = Serviceproducenten har ännu inte meddelat sina kontaktuppgifter.
feedback-title = Klientrespons
feedback-average = { $average } / 5
feedback-explained = Fem är bäst. { $answers ->
    [one] 1 svar
   *[other] { $answers } svar
}.
feedback-too-few = Det finns ännu för få svar för att visas.
feedback-too-few-explained = Medeltalet visas när det finns minst fem svar.
choices-title = Information som stöder valet

courses-none = Inga publicerade kurser just nu.
course-number = Kurs { $number }
course-confirmed = Bekräftad
course-not-confirmed = Inte bekräftad
course-running = Pågår
course-completed = Avslutad
course-confirmed-explained = Kursen genomförs säkert.
course-not-confirmed-explained = Kursen bekräftas när det finns tillräckligt många deltagare.
course-places-label = { $size } platser, varav { $free } lediga
course-places = { $free ->
    [0] Inga lediga platser
    [one] 1 ledig plats
   *[other] { $free } lediga platser
}
course-places-of = / { $size }
course-all-ages = Alla åldersgrupper
course-language = Servicespråk
course-group-size = Gruppstorlek
course-target-groups = Målgrupp
course-age-group = Åldersgrupp
course-periods = Perioder
course-service = Tjänst
course-page-title = Kurs { $number }
course-unknown-title = Kursen hittades inte
course-unknown = Den här kursen finns inte i sökningen. Den kan ha raderats, eller så är numret felskrivet.
course-back = Tillbaka till sökningen
period-number = Period { $number }
period-dates = Tid
period-mode = Genomförandeform
mode-face_to_face = Fysisk närvaro
mode-online = På nätet
mode-remote = På distans
kind-opening = Inledningsperiod
kind-middle = Mellersta perioden
kind-closing = Avslutande period
age-from-to = { $from }–{ $to } år
age-from = { $from } år fyllda
age-to = högst { $to } år

quotas-title = Uppskattningar och kvoter
quotas-explained = FPA publicerar en uppskattning av antalet nya klienter. Det uppskattade antalet kan överskridas. När en kvot är fylld fattar FPA inga nya beslut.
quota-full = Kvoten är fylld: { $service } { $year }. Nya beslut fattas när det åter finns rum i kvoten.
quota-suspended = Nya beslut fattas inte just nu: { $service } { $year }.
quota-limit = Kvot: { $service } { $year }, högst { $limit } nya klienter.
quota-estimate = FPA:s uppskattning av antalet nya klienter: { $service } { $year }, { $estimate }.

# Enkät
survey-title = Respons på rehabiliteringskursen
survey-lead = Svara på påståendena enligt din egen erfarenhet. Du svarar anonymt, och det tar ungefär fem minuter.
survey-anonymous = Svaret kan inte kopplas till dig. Vi frågar inte efter namn, personbeteckning eller bankkoder.
survey-own = Påståendenas ordalydelse är den här tjänstens egen.
survey-scale = Välj ett alternativ för varje påstående. 1 = helt av samma åsikt, 5 = helt av annan åsikt.
survey-scale-1 = Helt av samma åsikt
survey-scale-2 = Delvis av samma åsikt
survey-scale-3 = Varken av samma eller annan åsikt
survey-scale-4 = Delvis av annan åsikt
survey-scale-5 = Helt av annan åsikt
survey-statement = Påstående { $number } / { $total }
survey-send = Skicka svaren
survey-thanks-title = Tack för ditt svar
survey-thanks = Ditt svar har sparats. Verksamhetsställets medeltal visas i sökningen när det finns minst fem svar.
survey-closed-title = Enkäten kan inte längre besvaras
survey-closed = Enkäten har redan besvarats, eller så har svarstiden gått ut. Tack för ditt intresse.
survey-unknown-title = Enkäten hittades inte
survey-unknown = Länken är ofullständig eller föråldrad. Kontrollera att adressen är exakt densamma som i sms:et.
survey-at-least = Svara på minst { $needed } påståenden. Du har svarat på { $given }.

# Modell för sms
sms-title = Så här ser FPA:s sms ut
sms-lead = Vi skickar högst två responsenkäter till en klient på en rehabiliteringskurs. Du känner igen meddelandet på följande:
sms-sign-sender = Avsändaren är Kela.
sms-sign-data = Meddelandet innehåller inga namn eller andra personuppgifter.
sms-sign-bank = Meddelandet ber aldrig om bankkoder.
sms-sign-fixed = Texten är alltid densamma som på den här sidan.
sms-own = Meddelandets ordalydelse är den här tjänstens egen.
sms-from = Kela
sms-feedback = { $language ->
    [sv] Responsenkät, på svenska
   *[fi] Responsenkät, på finska
}
sms-course-confirmed = { $language ->
    [sv] Kursen bekräftad, på svenska
   *[fi] Kursen bekräftad, på finska
}
sms-place-released = { $language ->
    [sv] Platsen blev ledig, på svenska
   *[fi] Platsen blev ledig, på finska
}
sms-course-not-held = { $language ->
    [sv] Kursen ordnas inte, på svenska
   *[fi] Kursen ordnas inte, på finska
}
sms-place-moved = { $language ->
    [sv] Kursplatsen flyttad, på svenska
   *[fi] Kursplatsen flyttad, på finska
}
sms-application-waits = { $language ->
    [sv] Ansökan väntar, på svenska
   *[fi] Ansökan väntar, på finska
}
sms-none = Inga meddelandemodeller är tillgängliga just nu.

# Inloggning
sign-in-title = Inloggning för utveckling
sign-in-lead = Den här inloggningen är endast för utveckling och testning. I produktion loggar man in med en identifieringstjänst.
sign-in-role = Roll
role-provider = Serviceproducent
role-officer = Avgörandeexpert vid FPA
role-system = FPA:s system
sign-in-provider-id = FO-nummer
sign-in-provider-id-hint = Endast för serviceproducenter, till exempel 2828286-3
sign-in-button = Logga in
signed-in-as = Inloggad: { $role } { $provider }
error-role-unknown = Välj en roll.
error-provider-id = Skriv serviceproducentens FO-nummer i formen 2828286-3.
error-provider-id-check-digit = FO-numrets kontrollsiffra stämmer inte. Kontrollera siffrorna.
sign-in-needed-title = Logga in först
sign-in-needed = Sidan är avsedd för inloggade användare.
sign-in-ended = Din inloggning har avslutats. En inloggning avslutas när { $idle } har gått sedan den senast användes, senast när { $whole } har gått sedan den började, och när den avslutas i en annan webbläsare. Om du just skickade ett formulär har ingenting av det sparats. Logga in så kommer du tillbaka till samma ställe.
sign-in-other-role = Det här hör till en annan roll än den du är inloggad i. Ingenting sparades.
sign-in-form-kept = Det du skrev finns kvar på den här sidan. När du har loggat in ser du det på nytt och kan skicka det.
sign-in-off-title = Inloggningen är inte i bruk
sign-in-off = Inloggningen för utveckling är avstängd i den här miljön.
kept-form-title = Granska formuläret och skicka det på nytt
kept-form-lead = Formuläret har inte skickats ännu: dess sida hörde till en inloggning som har avslutats.
kept-form-decision_ref = Beslut
kept-form-reason = Motivering
kept-form-button = Skicka
kept-form-leave = Tillbaka till sidan utan att skicka
sessions-title = Var du är inloggad
sessions-end = En inloggning avslutas när { $idle } har gått sedan den senast användes, och senast när { $whole } har gått sedan den började.
sessions-this = Den här webbläsaren
sessions-other-browser = Annan webbläsare
sessions-other-system = annat system
sessions-times = Inloggad { $since }. Senast använd { $used }.
sessions-others = Logga ut överallt annars
sessions-done-one = Du har loggats ut där.
sessions-done-others = Du har loggats ut överallt annars.
sessions-gone = Inloggningen har redan avslutats.

# Serviceproducent
provider-title = Egna kurser
provider-none = Du har ännu inga kurser.
provider-new-clients = Klienter som kan kopplas
provider-no-clients = Inga klienter att koppla.
provider-course = Kurs { $number }
provider-state = Läge
provider-publish = Publicera
provider-publish-warning = Publiceringen kan inte ångras. Kontrollera uppgifterna innan du publicerar.
provider-confirm = Bekräfta kursen
provider-confirm-explained = Genom att bekräfta förbinder du dig att genomföra kursen på de angivna tiderna.
provider-confirm-not-yet = Kursen kan bekräftas när minst { $needed } klienter har kopplats.
provider-pin = Koppla
provider-pin-label = Beslut
provider-pin-button = Koppla klienten
provider-unpin = Ta bort från kursen
provider-unpin-reason = Varför lämnar klienten kursen? Kursen har måst genomföras, och FPA underrättas.
provider-pins = Kopplade klienter
provider-no-pins = Inga klienter har kopplats till kursen.
provider-confirm-by = På en bekräftad kurs senast
provider-pinnable = Kan kopplas
provider-back = Tillbaka till kurserna
provider-done-published = Kursen är publicerad och syns i sökningen.
provider-done-confirmed = Kursen är bekräftad.
provider-done-pinned = Klienten är kopplad till kursen.
provider-done-unpinned = Klienten har tagits bort från kursen.
provider-refused-title = Åtgärden lyckades inte
inbox-title = Meddelanden
inbox-none = Inga meddelanden.
state-created = Skapad
state-published = Publicerad
state-confirmed = Bekräftad
state-running = Pågår
state-completed = Avslutad
state-deleted = Raderad
state-cancelled = Inställd
reason-revoked = Beslutet har dragits in.
reason-annulled = Beslutet har upphävts.
reason-expired = Beslutets giltighet har gått ut.
reason-used = Kursen är redan genomförd.
reason-pinned_here = Kopplad till den här kursen.
reason-pinned_on_own_course = Kopplad till din kurs.
reason-other_service = Beslutet gäller en annan tjänst.
reason-unknown = Kan inte kopplas just nu.

# FPA
officer-title = Uppskattningar och kvoter
officer-lead = År { $year }
officer-none = Det finns inga uppskattningar eller kvoter för det här året.
officer-service = Tjänst
officer-estimate = Uppskattning
officer-limit = Kvot
officer-used = Nya klienter
officer-remaining = Återstår
officer-state = Läge
officer-no-quota = ingen kvot
officer-open = Beslut fattas
officer-full = Kvoten är fylld
officer-suspended = Avbrutet

# Gränssnitt
docs-title = Gränssnitt
docs-lead = Varje tjänst har ett eget gränssnitt. Anropen görs via den här adressen: /api/tjänst/…
docs-raw = OpenAPI-dokument (JSON)
docs-unreachable = Tjänsten svarar inte just nu.
docs-operations = Funktioner
docs-schemas = Datastrukturer
docs-parameters = Parametrar
docs-body = Begärans innehåll
docs-answers = Svar
docs-name = Namn
docs-in = Plats
docs-type = Typ
docs-required = Obligatorisk
docs-description = Beskrivning
docs-refusals = Avslagskoder
docs-yes = ja
docs-no = nej
docs-fields = Fält
docs-back = Alla gränssnitt
docs-contents = Innehåll
docs-version = Version { $version }

# Händelser
events-title = Händelser
events-lead = Vad systemet berättar för FPA:s andra system via Kafka.
events-raw = AsyncAPI-dokument (JSON)
events-promises = Vad som utlovas
events-promise-delivery = Varje händelse levereras minst en gång. Kom ihåg ce_id för de händelser du har behandlat, så skadar en upprepning inte.
events-promise-order = Händelser med samma nyckel kommer i ordning. Mellan olika nycklar finns ingen ordning.
events-promise-state = En tillståndshändelse berättar hela det offentliga tillståndet och dess version. Den nyaste versionen gäller.
events-promise-fact = Ett faktum, till exempel en betalning, räknas en gång.
events-promise-additions = Nya fält och typer kan tillkomma. Förbigå dem du inte känner till. Alla andra ändringar är en ny typ (.v2) bredvid den gamla.
events-promise-access = Systemets drift ger tillgång till ämnena. Varje läsare har en egen användare.
events-topics = Ämnen
events-not-for-subscribers = Inte för andra system.
events-owner = Skrivs av
events-owner-external = FPA:s andra system
events-readers = Läses i systemet av
events-key = Nyckel
events-order = Ordning
events-order-by-key = { $partitions ->
    [one] Inom nyckeln, 1 partition
   *[other] Inom nyckeln, { $partitions } partitioner
  }
events-retention = Bevaring
events-retention-for-ever = Allt bevaras
events-retention-newest = Nyckelns nyaste bevaras; ett tomt värde tar bort
events-retention-days = { $days ->
    [one] 1 dag
   *[other] { $days } dagar
  }
events-personal-data = Personuppgifter
events-data-none = Inga personuppgifter
events-data-organisation_contact = Organisationens offentliga kontaktuppgifter
events-data-pseudonym = Referenser utan namn (pseudonymer)
events-data-restricted = Begränsat
events-legal-basis = Grund
events-kind-state = tillstånd
events-kind-fact = faktum
events-value = Värde
events-example = Exempel

# Fel
problem-title = Något gick fel
problem-not-found-title = Sidan hittades inte
problem-not-found = Adressen kan vara felskriven, eller så har sidan tagits bort.
problem-unavailable-title = Tjänsten svarar inte just nu
problem-unavailable = Försök igen om en stund. Ingenting har sparats.
problem-too-many-title = För många förfrågningar
problem-too-many = Vänta en stund och försök igen.
problem-csrf-title = Formuläret är föråldrat
problem-csrf = Ingenting sparades. Ladda om sidan och skicka formuläret på nytt.
problem-identity-title = Skriv inte personbeteckningar
problem-identity = I den här tjänsten behandlas inga personbeteckningar. Ingenting sparades. Ta bort personbeteckningen och försök igen.
problem-in-field = Se fältet: { $field }.
problem-field-municipality = boendekommun
problem-field-age = ålder
problem-field-reason = motivering
problem-field-decision_ref = beslutsidentifikation
problem-field-provider_id = FO-nummer
problem-too-large-title = Sändningen är för stor
problem-too-large = Ingenting sparades. Skicka mindre åt gången.
problem-forbidden-title = Ingen behörighet
problem-forbidden = Du har inte behörighet till den här sidan.
problem-home = Till startsidan

# Gränssnittets avslag
unknown-service = Tjänsten finns inte.
unknown-path = Adressen finns inte.
upstream-unavailable = Tjänsten svarar inte just nu. Försök igen om en stund.
csrf-refused = Begäran saknar sessionens formulärnyckel.
too-many-requests = För många förfrågningar. Vänta en stund och försök igen.

statistics-title = Statistik
statistics-quotas = Uppskattningar och klientkvoter { $year }
statistics-of-estimate = Andel av uppskattningen
statistics-of-quota = Andel av kvoten
statistics-too-few = under 5
statistics-chart-and-files = Diagram och filer
statistics-internal = Statistik för FPA
statistics-contracts = Avtal per tjänst
statistics-new-clients = Nya klienter och prognos
statistics-decisions = Rehabiliteringsbeslut per månad
statistics-half-years = Personer som fått kursen bekostad och kostnader
statistics-ages = Åldersfördelning
statistics-group-sizes = Gruppernas storlek och byten av kurs
statistics-reported = Tidigare rapporterade siffror
statistics-reported-note = Siffrorna är som källan anger dem. De har inte räknats ut ur varandra eller ur uppgifterna i detta system.
statistics-chart-of = Diagram: { $table }. Samma siffror finns i tabellen.
statistics-source = Källa: { $source }.
