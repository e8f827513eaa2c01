"""One record on its way from the API's JSON to a Singer RECORD."""
