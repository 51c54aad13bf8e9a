#!/bin/sh
# SPDX-License-Identifier: MIT
# V95, V96: `reprise top` as lines beside facts that were posted, and live in a terminal (tmux).
# Usage: tool_top.sh PROGRAM MANAGER UNITS     (as tool_serve_common.sh)
. "$(dirname "$0")/tool_serve_common.sh"
need_curl
top='' poster=''
# shellcheck disable=SC2317 # the trap calls it
end_top() {
	for process in $top $poster; do kill -KILL "$process" 2>/dev/null; done
	command -v tmux >/dev/null && tmux -S "$scratch/tmux" kill-server 2>/dev/null
	end_all
}
trap end_top EXIT

# top_answers STATUS [ARGUMENT ...]: the output is in $scratch/out then
top_answers() {
	wanted=$1
	shift
	timeout 60 "$program" top "$@" >"$scratch/out" 2>"$scratch/err"
	got=$?
	[ $got = "$wanted" ] || { fail "'top $*' answered $got, not $wanted"; cat "$scratch/out" "$scratch/err"; }
}
says() { grep -q -e "$1" "$scratch/err" || { fail "top does not say $1"; cat "$scratch/err"; }; }
wrong() {
	words=$1
	shift
	top_answers 2 "$@"
	says "$words"
	[ ! -s "$scratch/out" ] || fail "'top $*' has output"
}
# row PATTERN: a line of the output
row() { grep -qE -e "$1" "$scratch/out" || { fail "there is no line $1"; cat "$scratch/out"; }; }

# Arguments.
wrong 'takes one URL'
wrong 'takes one URL' http://127.0.0.1:1 http://127.0.0.1:2
wrong 'begins with http' 127.0.0.1:8470
wrong 'not of a session' http://127.0.0.1:1/v1/sessions/one
wrong unrecognized --unknown http://127.0.0.1:1
for name in sort interval token-file ca; do wrong 'requires an argument' http://127.0.0.1:1 "--$name"; done
for name in once json; do
	wrong "--$name is given twice" "--$name" "--$name" http://127.0.0.1:1
	wrong "doesn't allow an argument" "--$name=1" http://127.0.0.1:1
done
wrong 'given twice' --sort rate --sort lost http://127.0.0.1:1
for value in 99 3600001 -5 +500 5x '' 99999999999999999999; do
	wrong "from 100 to 3600000, not '$value'" --interval "$value" http://127.0.0.1:1
done
for value in '' Rate events; do wrong "--sort takes session, rate, .*not '$value'" --sort "$value" http://127.0.0.1:1; done
wrong token --token-file "$scratch/none" http://127.0.0.1:1
top_answers 1 --once http://127.0.0.1:1
says 'Failed to connect'

# Facts: each column beside what was posted. Ids that a terminal must not obey.
serve --log "sqlite:$scratch/log" --events-max 32
for n in 1 2 3 4 5; do append many "{\"n\":$n}"; done
append 'done' '{"n":1}'
ask -H 'Content-Type: application/json' -d '{"n":2}' "$url/v1/sessions/done/events?end=7"
append 'a%E2%80%AEb' '{"n":1}'
append '%E4%BD%A0%E5%A5%BD' '{"n":1}'
follow many '' 'from=newest'
await "$scratch/stream" hello
top_answers 0 --once --sort session --interval 100 "$url"
row "^$url  20[0-9T:.-]+Z  taken in [0-9]+ ms"
row '^sessions 4  events/s 0.0  connections [1-9]  streams 1  lost 0  unrecorded 0  log failures 0$'
row '^SESSION +EVENTS/S +NEWEST +RETAINED +HOSTS +BEHIND +HEADROOM +LOST +UNRECORDED +STATE$'
row '^many +0.0 +5 +5 +1 +0 +[0-9]+ +0 +0  live$'
row '^done +0.0 +2 +2 +0 +- +- +0 +0  ended 7$'
row '^a\\u202eb +0.0 +1 +1 '
row '^你好 {8,} +0.0 +1 +1 '
[ "$(sed -n '4,7s/ .*//p' "$scratch/out" | tr '\n' ' ')" = 'a\u202eb done many 你好 ' ] || fail 'the rows are in another order'
top_answers 0 --once --sort newest --interval 100 "$url"
[ "$(sed -n '4,5s/ .*//p' "$scratch/out" | tr '\n' ' ')" = 'many done ' ] || fail 'the rows are in another order than by newest'
top_answers 0 --once --json --interval 100 "$url"
row '^\{"type":"gateway",.*"sessions":4,"has_more":false,.*"streams":1,"lost":0,"unrecorded":0,"log_failures":0'
row '^\{"type":"session","id":"many","rate":0.000,"newest":5,"retained":5,"hosts":1,"behind":0,"headroom":[0-9]+,"lost":0,"unrecorded":0,"state":"live"\}'
row '"id":"done",.*"state":"ended","status":7\}'
cp "$scratch/out" "$scratch/lines"
has_lines

# Blocks: rates while events come, and no rate behind them. A closed pipe is no fault.
post_on() { while :; do append many '{"n":0}'; done; }
"$program" top --json --interval 200 "$url" >"$scratch/blocks" 2>"$scratch/err" &
top=$!
post_on &
poster=$!
await "$scratch/blocks" '"id":"many","rate":[1-9]'
kill $poster
wait $poster 2>/dev/null
poster=
: >"$scratch/blocks"
await "$scratch/blocks" '"id":"many","rate":0.000'

# The gateway goes, and comes back at the same address.
port=${url##*:}
address=127.0.0.1:$port
finish TERM 0
cut
await "$scratch/err" 'reprise top: '
[ "$(wc -l <"$scratch/err")" = 1 ] || fail 'an outage is not told once'
begin "$program" serve --listen "$address" --log "sqlite:$scratch/log" --events-max 32
await "$scratch/err" 'answers again'
: >"$scratch/blocks"
await "$scratch/blocks" '"id":"many",.*"state":"log_only"'
await "$scratch/blocks" '"id":"done",.*"state":"ended","status":7'
kill -INT $top
wait $top
[ $? = 130 ] || fail 'Ctrl-C is not answered with 130'
top=
sh -c '"$@" 2>"$0/err"; echo $? >"$0/status"' "$scratch" "$program" top --interval 100 "$url" | head -n 3 >"$scratch/out"
[ "$(cat "$scratch/status")" = 0 ] || fail 'a closed pipe is a fault'
[ ! -s "$scratch/err" ] || fail 'a closed pipe is told'
top_answers 1 --once "$url/nothing"
says 'answers 404'
finish TERM 0

# Lost events, and a host that stands still. A stream that was stopped has a full socket.
serve --events-max 1000 --bytes-max 67108864
append slow '{"n":1}'
cursor=$(sed -E 's/.*"cursor":"([^"]*)".*/\1/' "$scratch/answer")
head -c 100000 /dev/zero | tr '\0' x | sed 's/.*/"&"/' >"$scratch/long"
post_long() { ask -H 'Content-Type: application/json' -d "@$scratch/long" "$url/v1/sessions/slow/events"; }
follow slow "$cursor" ''
await "$scratch/stream" hello
kill -STOP "$stream"
for n in $(seq 200); do post_long; done
is_behind() { top_answers 0 --once --json --interval 100 "$url" && grep -qE '"id":"slow",.*"behind":[1-9][0-9]*,"headroom":[0-9]+,"lost":0' "$scratch/out"; }
until_true is_behind || { fail 'no host is behind'; cat "$scratch/out"; }
row '"id":"slow",.*"hosts":1,.*"unrecorded":null'
kill -CONT "$stream"
cut
finish TERM 0
serve --events-max 8
append late '{"n":1}'
cursor=$(sed -E 's/.*"cursor":"([^"]*)".*/\1/' "$scratch/answer")
for n in $(seq 20); do append late "{\"n\":$n}"; done
follow late "$cursor" ''
await "$scratch/stream" gap
has_lost() { top_answers 0 --once --interval 100 "$url" && grep -qE '^late +0.0 +21 +8 +1 +0 +[0-9]+ +12 +-  live$' "$scratch/out"; }
until_true has_lost || { fail 'the lost events are not shown'; cat "$scratch/out"; }
row '  lost 12  unrecorded -  log failures -$'
cut
finish TERM 0

# Tokens.
printf 'readreadreadreadread default * read\nadminadminadminadmin default * admin\n' >"$scratch/tokens"
chmod 600 "$scratch/tokens"
printf 'readreadreadreadread\n' >"$scratch/reads"
printf 'adminadminadminadmin\n' >"$scratch/admin"
chmod 600 "$scratch/reads" "$scratch/admin"
serve --token-file "$scratch/tokens"
top_answers 1 --once --interval 100 "$url"
says 'answers 401 token_missing'
top_answers 0 --once --interval 100 --token-file "$scratch/reads" "$url"
row '^sessions 0  events/s 0.0  \(no metrics: the token is not of the level admin\)$'
top_answers 0 --once --interval 100 --token-file "$scratch/admin" "$url"
row '^sessions 0  events/s 0.0  connections [1-9]'
REPRISE_TOKEN=adminadminadminadmin
export REPRISE_TOKEN
top_answers 0 --once --interval 100 "$url"
row '^sessions 0  events/s 0.0  connections [1-9]'
unset REPRISE_TOKEN
finish TERM 0

"$program" doctor | grep -q 'without .*top in a terminal' && { echo 'tool: built without ncurses'; exit $bad; }
command -v tmux >/dev/null || { echo 'tool: tmux is not installed'; [ $bad != 0 ] || exit 77; exit 1; }

# --- in a terminal -----------------------------------------------------------------------------

mux() { tmux -S "$scratch/tmux" -f /dev/null "$@"; }
keys() { mux send-keys -t t "$@"; }
# screen: what the terminal shows, into $scratch/screen
screen() { mux capture-pane -p -t t >"$scratch/screen"; }
shown() { screen && grep -qE -e "$1" "$scratch/screen"; }
hidden() { screen && ! grep -qE -e "$1" "$scratch/screen"; }
sees() { until_true shown "$1" || { fail "the terminal does not show $1"; cat "$scratch/screen"; }; }
lacks() { until_true hidden "$1" || { fail "the terminal goes on showing $1"; cat "$scratch/screen"; }; }
# is_restored: the shell is back on its own screen, with a cursor and its settings
is_restored() {
	[ "$(mux display-message -p -t t '#{alternate_on} #{cursor_flag}')" = '0 1' ] || return 1
	keys 'stty -a >'"$scratch"'/stty' Enter
	until_true cmp -s "$scratch/stty" "$scratch/stty.before"
}
restores() { is_restored || { fail "the terminal is not restored after $1"; screen; cat "$scratch/screen"; }; }
# live ENVIRONMENT OPTION ...: top, in the terminal; its status is in $scratch/status behind the end
live() {
	rm -f "$scratch/status" "$scratch/stty"
	environment=$1
	shift
	keys "clear; env $environment $program top $* $url; echo \$? >$scratch/status" Enter
}
# ended STATUS
ended() {
	until_true test -s "$scratch/status" || { fail 'top does not end'; screen; cat "$scratch/screen"; return; }
	[ "$(cat "$scratch/status")" = "$1" ] || fail "top ended with $(cat "$scratch/status"), not $1"
}

serve --log "sqlite:$scratch/live" --events-max 32
for n in 1 2 3; do append beta "{\"n\":$n}"; done
append alpha '{"n":1}'
append '%E4%BD%A0%E5%A5%BD' '{"n":1}'
for n in $(seq 30); do append "s$n" '{"n":1}'; done
address=${url#http://}
mux new-session -d -x 110 -y 20 -s t "env -i PATH=\"$PATH\" TERM=screen HOME=/ sh" || { fail 'tmux does not begin'; exit 1; }
keys "PS1='ready> '; clear" Enter
sees '^ready>'
keys "stty -a >$scratch/stty.before" Enter
until_true test -s "$scratch/stty.before"

# The table, beside the facts; a wide id keeps the columns straight.
live LANG=C.UTF-8 --interval 200
sees '^reprise top  http://127.0.0.1:[0-9]+  sample [0-9.]+ s old'
sees '^sessions 33  events/s 0.0  connections [1-9]+  streams 0  lost 0  unrecorded 0  log failures 0$'
sees '^ SESSION +EVENTS/S +NEWEST RETAINED HOSTS BEHIND HEADROOM +LOST UNRECORDED STATE'
sees '^>alpha +0.0 +1 +1 +0 +- +- +0 +0 live'
[ "$(mux display-message -p -t t '#{alternate_on}')" = 1 ] || fail 'top draws over the output of the shell'

# A rate comes and goes.
post_beta() { while :; do append beta '{"n":0}'; done; }
post_beta &
poster=$!
sees '^>?.?beta +[1-9][0-9.]*'
kill $poster
wait $poster 2>/dev/null
poster=
sees 'beta +0\.0'

# The order: the next column, the one before, reversed. The selection stays with its session.
keys Home
sees '^>alpha'
keys s
sees '^sorted by newest'
screen
sed -n 5p "$scratch/screen" | grep -q beta || { fail 'beta is not the newest'; cat "$scratch/screen"; }
sees '^>alpha'
keys '<' '<'
sees '^sorted by session'
keys r
sees '^sorted by session  reversed'
sees '^>alpha'
keys Home
sees '^>你好'
keys End
sees '^>alpha'
lacks '你好'
keys PPage Up Down
sees '^>s'
# The filter.
keys / s 2 9
sees '^filter: s29_'
sees '^>s29'
lacks alpha
keys BSpace BSpace
sees '^filter: s_'
keys Enter
sees 'only ids with s  '
keys / Escape
lacks 'only ids'
keys r Home
sees '^>alpha'
# Help and pause.
keys '?'
sees 'any key leaves this help'
keys x
lacks 'any key leaves'
keys p
sees 'old  paused'
keys p
lacks paused

# Narrow, low, and wide again.
mux resize-window -t t -x 60 -y 8
lacks RETAINED
sees '^ SESSION +EVENTS/S'
sees 'alpha +0\.0'
for size in '12 3' '1 1'; do
	mux resize-window -t t -x "${size% *}" -y "${size#* }"
	screen
done
mux resize-window -t t -x 110 -y 20
sees ' RETAINED HOSTS'

# The gateway goes, and comes back.
kill -KILL "$served"
wait "$served" 2>/dev/null
sees '^no answer for [0-9]+ s: '
sees 'alpha +'
begin "$program" serve --listen "$address" --log "sqlite:$scratch/live"
lacks '^no answer'
sees 'alpha +.*log only'
# A gateway that is silent.
kill -STOP "$served"
sees '^no answer for [0-9]+ s: the gateway has been silent for 5 s'
keys q
ended 0
kill -CONT "$served"
restores q

# Enter says how to follow the selected session; other ends.
live LANG=C.UTF-8 --sort session
sees '^>alpha'
keys Enter
ended 0
sees "^reprise tail '$url/v1/sessions/alpha'"
restores Enter
live LANG=C.UTF-8
sees '^.alpha'
keys C-c
ended 130
restores Ctrl-C
live LANG=C.UTF-8
sees '^.alpha'
pkill_top() { for process in $(pgrep -f "^$program top $url"); do kill "-$1" "$process"; done; }
pkill_top TERM
ended 143
restores SIGTERM
# A gateway that refuses.
live 'LANG=C.UTF-8 REPRISE_TOKEN=unknownunknownunknown'
sees '^.alpha'
keys q
ended 0

# Without UTF-8 bytes are escapes, without colours nothing is missing, without a terminal there are lines.
live 'LANG=C NO_COLOR=1' --sort session
sees '^>alpha'
keys End
sees '^>\\xe4\\xbd\\xa0\\xe5\\xa5\\xbd'
keys q
ended 0
restores 'a terminal without colours'
live 'LANG=C.UTF-8 TERM=none' --interval 100
sees '^你好 +0\.0'
keys C-c
ended 130
mux kill-server
finish TERM 0
exit $bad
