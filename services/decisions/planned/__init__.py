"""When clients' rehabilitation is planned to take place, as Kela sees it (R-CRS-12)."""
