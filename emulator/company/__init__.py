"""The generated company: its people, locations, catalogs and the lifecycle of its work orders."""
