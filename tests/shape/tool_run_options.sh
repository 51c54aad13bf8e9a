#!/bin/sh
# SPDX-License-Identifier: MIT
# V30, V83, V87: each option of `reprise run`: values that are refused, and what a good value does.
# Usage: tool_run_options.sh PROGRAM MANAGER UNITS     (as tool_run_common.sh)
. "$(dirname "$0")/tool_run_common.sh"

# Each option of the usage is tested here or in a test beside this one.
options=$("$program" run --help | grep -oE '^  --[a-z-]+' | tr -d ' ')
[ "$(echo "$options" | wc -l)" = 10 ] || fail 'the usage has other options than this test'
here=$(dirname "$0")
cd "$OLDPWD" || exit 1
for option in $options; do grep -qE -e "$option " "$here"/tool_run*.sh || fail "there is no test of $option"; done
cd "$scratch" || exit 1

# wrong WORDS ARGUMENT ...: refused, and the command does not run; nothing is left behind
wrong() {
	words=$1
	shift
	runs 2 "$@"
	says "$words"
	says "^Run 'reprise run --help'"
	[ ! -s out ] || fail "'run $*' has output"
}
wrong 'needs a command'
wrong 'needs a command' --
wrong 'needs a command' --quiet --session s
wrong 'the name of the command is empty' -- ''
wrong "reprise run: unrecognized option '--unknown'" --unknown -- touch ran
wrong ambiguous --tls -- touch ran
wrong "reprise run: invalid option -- 'x'" -x -- touch ran
wrong '--reads-only is of .reprise serve. alone' --reads-only -- touch ran
for name in session kind-field linger listen log; do wrong 'requires an argument' "--$name"; done
for name in pipe quiet; do
	wrong "--$name is given twice" "--$name" "--$name" -- touch ran
	wrong "doesn't allow an argument" "--$name=1" -- touch ran
done
for name in session kind-field; do wrong "--$name is given twice" "--$name" a "--$name" a -- touch ran; done
long=$(printf '%0129d' 0)
for id in '' "$long" "$(printf '\377')" "$(printf 'a\tb')" "$(printf 'a\302\205b')"; do
	wrong '--session takes 1 to 128 bytes of UTF-8' --session "$id" -- touch ran
done
for name in '' "$(printf '\377')"; do wrong '--kind-field takes' --kind-field "$name" -- touch ran; done
for value in -1 86401 5s 1.5 '' 0x1 +1; do
	wrong "reprise run: --linger takes a whole number from 0 to 86400, not '$value'" --linger "$value" -- touch ran
done
for value in 0 600001 x; do wrong 'reprise run: --recorded-wait takes' --log "sqlite:$scratch/none.db" --recorded-wait "$value" -- touch ran; done
wrong 'reprise run: --recorded-wait needs --log' --recorded-wait 5 -- touch ran
wrong 'reprise run: --schema needs --log' --schema s -- touch ran
wrong 'reprise run: --log takes' --log file.db -- touch ran
wrong 'reprise run: --events-max takes' --events-max 0 -- touch ran
wrong 'reprise run: --bytes-max takes' --bytes-max 255 -- touch ran
wrong 'reprise run: --drain takes' --drain x -- touch ran
# Those that the library judges: the command has not begun, and no log is there.
for arguments in '--listen nowhere' '--listen 0.0.0.0:0' '--token-file /there/is/no/such/file' '--origin none' '--routes /' \
	'--tls-cert /there/is/none --tls-key /there/is/none'; do
	# shellcheck disable=SC2086 # words
	runs 2 --log "sqlite:$scratch/none.db" $arguments -- touch ran
	says '^reprise run: '
done
[ ! -e ran ] || fail 'a command runs in spite of wrong arguments'
[ ! -e none.db ] || fail 'wrong arguments have left a log behind'
"$program" serve --kind-field s >out 2>err
[ $? = 2 ] && grep -q 'unrecognized' err || fail "'serve' takes an option of 'run'"

# The words behind the command's name are the command's, with and without "--".
runs 0 --quiet echo --listen -- x
prints '--listen -- x'
runs 0 --quiet -- echo --quiet
prints --quiet
runs 0 --quiet --pipe -- sh -c '[ -t 1 ] || echo pipe'
prints pipe

# The default id of a session: the command's name. A name that is no good for an id is "run".
named() {
	runs 0 -- "$1"
	grep -q "^reprise: session $2-[0-9a-f]\{6\} at " err || { fail "the session of $1 has another name"; cat err; }
}
for name in plain 'two words' "$(printf '\377')" "$(printf 'a\tb')" "$(printf '%0122d' 0)"; do
	printf '#!/bin/sh\n' >"$name"
	chmod +x "$name"
	good=$name
	case $name in plain | 'two words') ;; *) good=run ;; esac
	named "./$name" "$good"
done
[ "$(for _ in 1 2 3 4 5 6 7 8; do "$program" run true 2>&1; done | sort -u | wc -l)" = 8 ] || fail 'two sessions have one name'

need_curl
# The options of `reprise serve`: the least and the greatest numbers, tokens, bounds of the window.
for values in '--sessions-max 1 --body-bytes-max 1 --connections-max 1 --connections-per-peer-max 1 --requests-per-second 1 --heartbeat 1000
	--long-poll 1 --workers 1 --drain 0 --recorded-wait 1 --events-max 1 --bytes-max 256' \
	'--sessions-max 1048576 --body-bytes-max 67108864 --connections-max 1000000 --connections-per-peer-max 1000000
	--requests-per-second 1000000 --heartbeat 60000 --long-poll 600000 --workers 64 --drain 3600 --recorded-wait 600000
	--events-max 1000000000'; do
	# shellcheck disable=SC2086 # words
	runs 3 --quiet --log "sqlite:$scratch/numbers.db" --tenant acme --insecure --no-viewer --origin '*' $values -- sh -c 'exit 3'
	silent "$values"
done
umask 077
echo 'token-of-all-0123456789 default * admin' >tokens
start --session s --linger 600 --token-file tokens --events-max 4 -- seq 9
address || exit 1
await err 'stays served'
answers 401 "$url/v1/sessions/s/events?limit=10"
ask -H 'Authorization: Bearer token-of-all-0123456789' "$url/v1/sessions/s/events?limit=10"
has '"position":9'
has '"position":6'
! grep -q '"type":"event","position":5' answer || fail '--events-max keeps too much'
kill -TERM "$served"
ends 0
exit $bad
