business-id-invalid = FO-numret duger inte: det har sju siffror, ett bindestreck och en kontrollsiffra som passar dem.
provider-exists = Serviceproducenten är redan registrerad.
provider-unknown = Serviceproducenten finns inte.
other-provider = En serviceproducent registrerar endast sig själv.
office-unknown = Verksamhetsstället finns inte.
municipality-unknown =
    { $reason ->
        [dissolved] Kommunen är upplöst. Använd koden för den kommun som den gick upp i: { $merged_into }.
       *[unknown] Kommunkoden finns inte.
    }
phone-invalid = Telefonnumret duger inte. Skriv även landsnumret om numret är utländskt.
service-unknown = Servicen finns inte.
service-not-open = Servicen har ingen gällande servicebeskrivning då. Den första gäller från { $opens_on }.
language-not-offered = Servicen produceras inte på detta servicespråk ({ $language }). Servicespråk: { $offered }.
validity-inverted = Avtalets sista dag { $valid_to } är före den första dagen { $valid_from }.
contract-exists = Serviceproducenten har redan ett avtal om denna service på detta servicespråk.
contract-unknown = Avtalet finns inte.
contract-not-in-force = Avtalet gäller inte år { $year }.
count-only-raised = Det anmälda klientantalet kan endast höjas: det är nu { $current }, så { $wanted } går inte.
year-not-open = Klientantalet kan anmälas för åren { $this_year } och { $next_year }, inte för { $year }.
window-closed = Klientantalet för { $year } kunde anmälas senast { $closed_on }.

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
