#!/bin/sh
# SPDX-License-Identifier: MIT
# V91: on a terminal `reprise tail` escapes control characters, and has colour unless NO_COLOR is set.
# Usage: tool_tail_terminal.sh PROGRAM MANAGER UNITS     (as tool_serve_common.sh)
. "$(dirname "$0")/tool_client_common.sh"
command -v tmux >/dev/null || { echo 'tool: tmux is not installed'; exit 77; }
terminals=0
server=
end_terminal() { [ -z "$server" ] || tmux -S "$server" kill-server 2>/dev/null; }
trap 'end_terminal; end_all' EXIT

# terminal COMMAND: in a new terminal of 100 columns
terminal() {
	end_terminal
	terminals=$((terminals + 1))
	server=$scratch/terminal$terminals # a server that ends would take the next terminal along
	env -u TMUX tmux -S "$server" -f /dev/null new-session -d -x 100 -y 30 "$1; echo \"answered \$?\"; sleep 60" ||
		{ fail 'tmux does not begin'; exit 1; }
}
# shows PATTERN [CAPTURE OPTION ...]
is_shown() {
	pattern=$1
	shift
	tmux -S "$server" capture-pane -p "$@" >"$scratch/screen" 2>/dev/null
	grep -q -e "$pattern" "$scratch/screen"
}
shows() { until_true is_shown "$@" || { fail "the terminal does not show $1"; cat "$scratch/screen"; }; }

serve --log "sqlite:$scratch/sessions.db"
printf 'one \033[31mred\033[0m \007bell \302\205 \342\200\256 back\\slash\rreturn\033]0;title\007' >"$scratch/payload"
ask -H 'Content-Type: application/octet-stream' --data-binary "@$scratch/payload" "$url/v1/sessions/one/events"
printf 'two\nlines' >"$scratch/payload"
ask -H 'Content-Type: application/octet-stream' --data-binary "@$scratch/payload" "$url/v1/sessions/one/events"
fill one 3 3 --end 7

for form in "$url" "sqlite:$scratch/sessions.db"; do
	terminal "'$program' tail '$form'"
	shows '^answered 7'
	shows '^one \\u001b\[31mred\\u001b\[0m \\u0007bell \\u0085 \\u202e back\\\\slash\\u000dreturn\\u001b\]0;title\\u0007$' -J
	shows '^two\\nlines$'
	shows '^3$'
	escape=$(printf '\033')
	shows "${escape}\\[2mreprise tail: the session ended with status 7" -e
done
terminal "NO_COLOR=1 '$program' tail '$url'"
shows '^answered 7'
shows '^reprise tail: the session ended with status 7' -e

# Ctrl-C on the terminal.
fill open 1 2
terminal "'$program' tail '$url' --session open"
shows '^2$'
tmux -S "$server" send-keys C-c
shows '^answered 130'
shows 'reprise: resume with --cursor rp1'
exit $bad
