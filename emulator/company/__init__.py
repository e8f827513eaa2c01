"""The company that the emulator shows: its people, places, catalogues, and the life of its work orders."""
