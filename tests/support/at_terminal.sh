# A command at a terminal, for scenarios that answer it or look at what it shows; sourced after lib.sh.
# shellcheck shell=bash
command -v script >/dev/null || skip "script (bsdutils) is not here"
export SHELL=/bin/sh # what script runs the command with

# at_terminal COMMAND: starts it; what the terminal shows is in $T/seen. Its stdout and stderr are the
# terminal too, but where the command says otherwise. The shell that notes the status stands in the same
# foreground group, so Ctrl-C reaches it too: it has a trap, to outlive it.
at_terminal() {
    RAN="in a terminal: $1"
    rm -f "$T/keys" "$T/status"
    truncate -s 0 "$T/seen" "$T/out" "$T/err"
    mkfifo "$T/keys"
    TERM=xterm timeout 60 script -qfc "trap : INT; $1; echo \$? >$T/status" /dev/null \
        <"$T/keys" >"$T/seen" 2>&1 &
    terminal=$!
    SERVERS+=("$terminal")
    exec 9>"$T/keys"
}

# answer TEXT: typed, with Enter. Comes after what it answers: see shown.
answer() { printf '%s\r' "$1" >&9; }

# shown REGEX [COUNT]: waits until the terminal has shown it so often.
shown() { wait_for "'$1' on the terminal" has_shown "$1" "${2:-1}"; }
has_shown() { [ "$(grep -oE -- "$1" "$T/seen" | wc -l)" -ge "$2" ]; }

# ended STATUS: waits for the end of the command, and wants that exit status.
ended() {
    wait_for "the end" test -s "$T/status"
    exec 9>&-
    wait "$terminal" 2>/dev/null || true
    equal "exit status, of '$(cat -v "$T/seen")'," "$1" "$(cat "$T/status")"
}
