"""Several regions: what each tells the others, and where a player goes that finds no room here."""
