"""Who is who: party identifiers per country, access tokens, id tokens and e-ID evidence."""
