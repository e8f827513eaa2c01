"""Field Nation's emulator, the tap, Meltano and PostgreSQL in one go: `./dev demo`."""
