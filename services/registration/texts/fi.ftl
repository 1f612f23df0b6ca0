business-id-invalid = Y-tunnus ei kelpaa: siinä on seitsemän numeroa, väliviiva ja niihin sopiva tarkistusnumero.
provider-exists = Palveluntuottaja on jo rekisteröity.
provider-unknown = Palveluntuottajaa ei ole.
other-provider = Palveluntuottaja rekisteröi vain itsensä.
office-unknown = Toimipistettä ei ole.
municipality-unknown =
    { $reason ->
        [dissolved] Kunta on lakkautettu. Käytä sen kunnan koodia, johon se liitettiin: { $merged_into }.
       *[unknown] Kuntakoodia ei ole.
    }
phone-invalid = Puhelinnumero ei kelpaa. Kirjoita ulkomaan numeroon myös maan suuntanumero.
service-unknown = Palvelua ei ole.
service-not-open = Palvelun palvelukuvaus ei ole silloin voimassa. Ensimmäinen palvelukuvaus on voimassa alkaen { $opens_on }.
language-not-offered = Palvelua ei tuoteta tällä palvelukielellä ({ $language }). Palvelukielet: { $offered }.
validity-inverted = Sopimuksen viimeinen päivä { $valid_to } on ennen ensimmäistä päivää { $valid_from }.
contract-exists = Palveluntuottajalla on jo sopimus tästä palvelusta tällä palvelukielellä.
contract-unknown = Sopimusta ei ole.
contract-not-in-force = Sopimus ei ole voimassa vuonna { $year }.
count-only-raised = Ilmoitettua asiakasmäärää voi vain nostaa: se on nyt { $current }, joten { $wanted } ei käy.
year-not-open = Asiakasmäärän voi ilmoittaa vuosille { $this_year } ja { $next_year }, ei vuodelle { $year }.
window-closed = Vuoden { $year } asiakasmäärän olisi voinut ilmoittaa viimeistään { $closed_on }.
