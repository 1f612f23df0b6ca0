# Kieltäytymisten tekstit. Koodi pienin kirjaimin ja väliviivoin, arvot muuttujina.

survey-not-found = Kyselyä ei löydy. Tarkista, että linkki on kokonainen.
survey-closed = Kyselyyn on jo vastattu tai se on suljettu. Kiitos.
too-few-answers = Vastaa vähintään { $needed } väittämään { $statements } väittämästä. Nyt vastauksia on { $given }.
wrong-statement = Väittämät on numeroitu 1–{ $statements }. Vastausta muuhun ei oteta vastaan.
wrong-score = Vastaus on kokonaisluku { $best }–{ $worst }, jossa { $best } on täysin samaa mieltä.

# What the audit says was done.
act-cancel-message = Viesti peruttu
act-give-up-message = Viestiä ei voitu toimittaa
act-write-message = Viesti kirjoitettu
act-read-messages = Viestit näytetty
