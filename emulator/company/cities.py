"""The cities in which work is done, with their time zones."""

from __future__ import annotations

#: city, state, zip, latitude, longitude, zone name, zone short name, zone id, offset in hours, country
CITIES: tuple[tuple[str, str, str, float, float, str, str, int, int, str], ...] = (
    ("Boston", "MA", "02108", 42.3588, -71.0707, "America/New_York", "EST", 1, -5, "US"),
    ("Newark", "NJ", "07102", 40.7357, -74.1724, "America/New_York", "EST", 1, -5, "US"),
    ("Atlanta", "GA", "30303", 33.7529, -84.3925, "America/New_York", "EST", 1, -5, "US"),
    ("Miami", "FL", "33130", 25.7678, -80.2039, "America/New_York", "EST", 1, -5, "US"),
    ("Montréal", "QC", "H2Y 1C6", 45.5048, -73.5562, "America/Toronto", "EST", 7, -5, "CA"),
    ("Chicago", "IL", "60604", 41.8782, -87.6298, "America/Chicago", "CST", 2, -6, "US"),
    ("Minneapolis", "MN", "55401", 44.9833, -93.2667, "America/Chicago", "CST", 2, -6, "US"),
    ("Dallas", "TX", "75201", 32.7876, -96.7994, "America/Chicago", "CST", 2, -6, "US"),
    ("San Antonio", "TX", "78205", 29.4241, -98.4936, "America/Chicago", "CST", 2, -6, "US"),
    ("New Orleans", "LA", "70112", 29.9574, -90.0768, "America/Chicago", "CST", 2, -6, "US"),
    ("Cañon City", "CO", "81212", 38.4410, -105.2424, "America/Denver", "MST", 3, -7, "US"),
    ("Denver", "CO", "80202", 39.7528, -104.9997, "America/Denver", "MST", 3, -7, "US"),
    ("Albuquerque", "NM", "87102", 35.0844, -106.6504, "America/Denver", "MST", 3, -7, "US"),
    ("Phoenix", "AZ", "85004", 33.4512, -112.0708, "America/Phoenix", "MST", 5, -7, "US"),
    ("Seattle", "WA", "98101", 47.6114, -122.3345, "America/Los_Angeles", "PST", 4, -8, "US"),
    ("Portland", "OR", "97204", 45.5180, -122.6745, "America/Los_Angeles", "PST", 4, -8, "US"),
    ("San José", "CA", "95113", 37.3337, -121.8907, "America/Los_Angeles", "PST", 4, -8, "US"),
    ("San Diego", "CA", "92101", 32.7185, -117.1593, "America/Los_Angeles", "PST", 4, -8, "US"),
    ("Anchorage", "AK", "99501", 61.2163, -149.8945, "America/Anchorage", "AKST", 8, -9, "US"),
    ("Honolulu", "HI", "96813", 21.3069, -157.8583, "Pacific/Honolulu", "HST", 6, -10, "US"),
    ("San Juan", "PR", "00901", 18.4655, -66.1057, "America/Puerto_Rico", "AST", 9, -4, "US"),
)
