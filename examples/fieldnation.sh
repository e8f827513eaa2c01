#!/usr/bin/env bash
# Run the tap and a target once, connected by a pipe, for cron or systemd.
#
# The folder contains config.json (the tap's settings) and target.json (the target's). The script adds:
#   state.json     the state from which the next run continues; delete it to read everything again
#   states.jsonl   the states that the target has confirmed in the current run
#   lock           locked while a run is active, so that runs never overlap
#
# No state is lost, whenever the script is stopped: the next run first saves the last state that an interrupted run
# confirmed, and state.json is replaced atomically.
set -euo pipefail
if [ $# -ne 1 ]; then
    echo "usage: fieldnation.sh FOLDER   (with config.json for the tap, and target.json for the target)" >&2
    exit 2
fi
cd "$1"

exec 9> lock
if ! flock --nonblock 9; then
    echo "fieldnation: the previous run is still active" >&2
    exit 0
fi

save_state() {
    # the last complete line: `wc -l` does not count a line without its line break
    [ -s states.jsonl ] || return 0
    head -n "$(wc -l < states.jsonl)" states.jsonl | tail -n 1 > state.new
    if [ -s state.new ]; then
        sync state.new
        mv state.new state.json
    fi
}

[ -e state.json ] || echo '{}' > state.json
save_state
code=0
# tap and target inherit the lock, so it is held until they end, even if this script is killed
tap-fieldnation --config config.json --state state.json | target-postgres --config target.json > states.jsonl || code=$?
save_state
exit "$code"
