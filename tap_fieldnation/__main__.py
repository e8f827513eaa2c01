"""The command line: `tap-fieldnation`, and `python -m tap_fieldnation`."""

import gc
import signal


def main() -> None:
    """Run the command line. Until there is a tap that handles Ctrl-C, it ends the process without a traceback."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    gc.disable()  # importing creates no garbage: without searching for it, it takes a tenth less time
    from tap_fieldnation.tap import TapFieldNation  # noqa: PLC0415  (takes a third of a second)

    gc.freeze()
    gc.enable()
    TapFieldNation.cli()


if __name__ == "__main__":
    main()
