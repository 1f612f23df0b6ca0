provider-exists = Serviceproducenten är redan registrerad.
provider-unknown = Serviceproducenten finns inte.
other-provider = En serviceproducent registrerar endast sig själv.
office-unknown = Verksamhetsstället finns inte.
municipality-unknown =
    { $reason ->
        [dissolved] Kommunen är upplöst. Använd koden för den kommun som den gick upp i: { $merged_into }.
       *[unknown] Kommunkoden finns inte.
    }
service-unknown = Servicen finns inte.
service-not-open = Servicen har ingen gällande servicebeskrivning då. Den första gäller från { $opens_on }.
language-not-offered = Servicen produceras inte på detta servicespråk ({ $language }). Servicespråk: { $offered }.
validity-inverted = Avtalets sista dag { $valid_to } är före den första dagen { $valid_from }.
contract-exists = Serviceproducenten har redan ett avtal om denna service på detta servicespråk.
contract-unknown = Avtalet finns inte.
contract-not-in-force = Avtalet har upphört eller gäller inte år { $year }.
count-only-raised = Det anmälda klientantalet kan endast höjas: det är nu { $current }, så { $wanted } går inte.
year-not-open = Klientantalet kan anmälas för åren { $this_year } och { $next_year }, inte för { $year }.
window-closed = Klientantalet för { $year } kunde anmälas senast { $closed_on }.
count-not-announced = Det finns inget anmält klientantal för { $year } att korrigera.
effective-out-of-range = Korrigeringens första dag ska vara mellan { $earliest } och { $latest }.

gauges-title = Klientantal
count-announced = anmält
count-defaulted = föregående års antal
column-provider-id = FO-nummer
column-provider = Serviceproducent
column-contract = Avtal
column-service-code = Servicens kod
column-service = Service
column-language = Servicespråk
column-year = År
column-announced = Klientantal
column-state = Klientantalets grund
column-decisions-used = Meddelade beslut
column-decisions-left = Beslut kvar
column-decisions-overdrawn = Beslut över antalet
column-places-used = Platser på kurser
column-places-left = Platser kvar
column-places-overdrawn = Platser över antalet

## Registrering och ändringar

announced-too-late = En ändring av bolagsformen anmäls minst tre månader före. Den tidigaste dagen är { $earliest }, inte { $effective_from }.
change-not-open =
    { $state ->
        [approved] Ändringen är redan godkänd.
        [rejected] Ändringen är redan avslagen.
       *[withdrawn] Begäran har återtagits.
    }
change-pending = Det finns redan en begäran om samma sak som väntar på beslut eller på att börja gälla.
change-unknown = Begäran finns inte.
conditions-not-accepted = Registreringen kan skickas när villkoren för registrering har godkänts.
contract-ended = Serviceproducentens avtal om denna service på detta servicespråk upphör { $valid_to }.
date-in-past = Dagen { $day } har redan passerat: i dag är det { $today }.
party-named-twice = Organisation nummer { $position } i listan är redan nämnd eller är serviceproducenten själv.
registration-ending = Registreringen upphör redan { $ends_on }.
registration-exists = Verksamhetsstället har redan en öppen registrering för denna service på detta servicespråk.
registration-state =
    { $state ->
        [draft] Det går inte medan registreringen är ett utkast.
        [submitted] Det går inte medan registreringen väntar på FPA:s beslut.
        [approved] Det går inte: registreringen är godkänd, men avtalet är inte registrerat än.
        [contract_registered] Det går inte: registreringens avtal gäller.
        [rejected] Det går inte: registreringen har avslagits.
       *[ended] Det går inte: registreringen har upphört.
    }
registration-unknown = Registreringen finns inte.
subcontracting-undeclared = Ange om servicen har underleverantörer: ja eller nej.
subcontractors-missing = Ange minst en underleverantör: namn, FO-nummer och den del av servicen som den producerar.
subcontractors-unexpected = Det finns inga underleverantörer enligt svaret, men { $named } har angetts.
subcontractor-known = Underleverantören finns redan på listan.
subcontractor-unknown = Underleverantören finns inte på listan.

## Kvalitetsrevisioner

finding-unknown = Revisionsanmärkningen finns inte.
finding-not-in-state =
    Revisionsanmärkningen är { $state ->
        [open] öppen
        [action_reported] hos FPA för bedömning
       *[closed] avslutad
    }, så detta går inte nu.
due-date-past = Tidsfristen { $due_on } har redan gått ut: i dag är det { $today }.
service-not-provided = Serviceproducenten har inget avtal om denna service. Servicen som det finns avtal om: { $provided }.

## Information som stöder klientens val

choice-questions-none = Servicen har inga frågor som stöder klientens val.
choice-question-unknown = Servicen har ingen sådan fråga. Frågor: { $known }.
choice-question-not-open =
    { $reason ->
        [later] Frågan { $question } öppnas { $opens_on }. Öppna frågor: { $open }.
       *[over] Frågan { $question } ställs inte längre. Öppna frågor: { $open }.
    }
choice-option-unknown = Frågan { $question } har inget sådant alternativ. Alternativ: { $allowed }.
choice-answer-kind =
    Frågan { $question } besvaras med { $kind ->
        [one_of] ett alternativ
        [some_of] ett eller flera alternativ
       *[number] ett heltal
    }.
choice-number-out-of-range = Svaret på frågan { $question } är ett heltal mellan { $minimum } och { $maximum }.

# What the audit says was done.
act-register-provider = Serviceproducenten registrerad
act-register-office = Verksamhetsstället registrerat
act-register-contract = Avtalet registrerat
act-end-contract = Avtalets sista dag ändrad
act-set-contact = Avtalets kontaktuppgifter ändrade
act-set-office-contact = Verksamhetsställets kontaktuppgifter ändrade
act-set-responsible = Ansvarig person ändrad
act-set-biller = Fakturerare ändrad
act-set-choice-information = Uppgifter som stöd för valet ändrade
act-confirm-data = Uppgifternas aktualitet bekräftad
act-announce-count = Antalet klienter anmält
act-correct-count = Anmält antal klienter rättat
act-draft-registration = Registreringen påbörjad
act-revise-draft = Utkastet till registrering ändrat
act-submit-registration = Registreringen inlämnad
act-decide-registration = Beslut om registreringen fattat
act-put-under-contract = Registreringen kopplad till avtal
act-end-registration = Registreringen avslutad
act-ask-for-change = Ändring begärd
act-end-change-request = Ändringsbegäran avgjord
act-open-finding = Revisionsanmärkning antecknad
act-report-action = Korrigerande åtgärd rapporterad
act-close-finding = Revisionsanmärkning avslutad
act-reopen-finding = Revisionsanmärkning öppnad på nytt
act-apply-change = Ändringen har trätt i kraft
act-default-count = Antalet klienter fastställt som förval
act-finish-registration = Registreringens giltighet upphört
act-let-change-lapse = Ändringsbegäran förfallen
act-move-visiting-address = Besöksadressen ändrad
act-publish-descriptions = Servicebeskrivningen publicerad
act-recompose-registration = Registreringens sammansättning ändrad
act-remind-of-finding = Påminnelse om revisionsanmärkning
act-remind-of-review = Påminnelse om att granska uppgifterna
act-read-administration = Avtalets administrativa uppgifter visade
