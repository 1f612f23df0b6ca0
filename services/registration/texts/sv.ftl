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
contract-not-in-force = Avtalet har upphört eller gäller inte år { $year }.
count-only-raised = Det anmälda klientantalet kan endast höjas: det är nu { $current }, så { $wanted } går inte.
year-not-open = Klientantalet kan anmälas för åren { $this_year } och { $next_year }, inte för { $year }.
window-closed = Klientantalet för { $year } kunde anmälas senast { $closed_on }.
count-not-announced = Det finns inget anmält klientantal för { $year } att korrigera.
effective-out-of-range = Korrigeringens första dag ska vara mellan { $earliest } och { $latest }.
export-too-large = Tabellen skulle ha över { $allowed_rows } rader. Avgränsa till exempel enligt år eller service.

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
