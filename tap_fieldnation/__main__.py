"""`python -m tap_fieldnation`: the command line."""

from tap_fieldnation.tap import TapFieldNation

TapFieldNation.cli()
