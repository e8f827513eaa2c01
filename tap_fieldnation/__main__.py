"""The command line: `tap-fieldnation`, and `python -m tap_fieldnation`."""

import signal


def main() -> None:
    """Run the command line. Until there is a tap that handles Ctrl-C, it ends the process without a traceback."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from tap_fieldnation.tap import TapFieldNation  # noqa: PLC0415  (takes half a second)

    TapFieldNation.cli()


if __name__ == "__main__":
    main()
