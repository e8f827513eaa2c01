#!/usr/bin/env bash
# One run by the pipe, for cron or systemd: fieldnation.sh FOLDER
#
# The folder holds config.json (the tap's settings) and target.json (the target's). This adds to it:
#   state.json     what the next run goes on from; `rm` it to read everything again
#   states.jsonl   the states that the target confirmed in the run that is under way
#   lock           held for as long as a run lasts, so that two never overlap
#
# No state is lost at whatever moment this is stopped: what an interrupted run confirmed is taken over by the next one
# before anything else, and state.json is replaced in one step.
set -euo pipefail
cd "${1:?the folder with config.json and target.json}"

exec 9> lock
if ! flock --nonblock 9; then
    echo "fieldnation: the last run is still under way" >&2
    exit 0
fi

take_over() {
    # the last line that was written whole; `wc -l` counts no line that lacks its end
    [ -s states.jsonl ] || return 0
    head -n "$(wc -l < states.jsonl)" states.jsonl | tail -n 1 > state.new
    if [ -s state.new ]; then
        sync state.new
        mv state.new state.json
    fi
}

[ -e state.json ] || echo '{}' > state.json
take_over
code=0
# tap and target hold the lock too: it lasts as long as they do, also where this script was killed
tap-fieldnation --config config.json --state state.json | target-postgres --config target.json > states.jsonl || code=$?
take_over
exit "$code"
