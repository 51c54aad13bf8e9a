#!/bin/sh
# SPDX-License-Identifier: MIT
# V83, V84: what `reprise run` leaves as it is: output, input, descriptors, signals, exit status.
# Usage: tool_run.sh PROGRAM MANAGER UNITS     (as tool_run_common.sh)
. "$(dirname "$0")/tool_run_common.sh"
env --default-signal=INT true 2>/dev/null || { echo 'tool: env has no --default-signal'; exit 77; }

# V83: bytes of any kind, in both directions; standard error is inherited.
head -c 3000000 /dev/urandom >bytes
timeout 60 "$program" run --quiet cat <bytes >out 2>err || fail 'cat of random bytes fails'
cmp bytes out || fail 'bytes are not passed on unchanged'
silent '--quiet'
runs 0 -- sh -c 'echo out; echo err >&2'
prints out
says '^err$'
[ "$(grep -c '^reprise: session sh-[0-9a-f]\{6\} at http://127.0.0.1:[1-9][0-9]*/#/s/sh-[0-9a-f]\{6\}$' err)" = 1 ] ||
	{ fail 'has no line with the address'; cat err; }

# V83: at once, without a line's end.
start --quiet -- sh -c 'printf part; until [ -e go ]; do sleep 0.05; done'
await out '^part$'
touch go
ends 0

# V84: exit status.
for status in 0 1 3 77 127 255; do runs $status --quiet -- sh -c "exit $status"; done
silent 'an exit status'

# V83: no such command, and commands that cannot be executed; nothing is left behind.
touch plain
printf '#!/no/such/program\n' >orphan
chmod +x orphan
log="--log sqlite:$scratch/none.db"
# shellcheck disable=SC2086 # words
{
	runs 127 $log -- no-such-command-here
	says 'no-such-command-here: no such command'
	runs 127 $log -- ./none
	runs 127 $log -- plain/none
	path=/nowhere
	runs 127 $log -- ls
	path=
	runs 126 $log -- /
	runs 126 $log -- ./plain
	says 'plain: Permission denied'
	path=$scratch:/nowhere
	runs 126 $log -- plain
	path=
}
[ ! -e none.db ] || fail 'a command that does not exist has a log'
runs 127 -- ./orphan
says 'orphan: no such command'
runs 125 --log "sqlite:$scratch/no/folder.db" -- touch ran
[ ! -e ran ] || fail 'the command runs though the program has failed'

# V83: the session cannot be opened: the command does not run.
printf 'no database, but longer than the head of one: 100 bytes are needed here, so the line goes on and on\n' >text
runs 125 --log "sqlite:$scratch/text" -- touch ran
[ ! -e ran ] || fail 'the command runs though the log cannot be opened'

# V83: memory is refused: the command runs as ever, or not at all, and there are words.
if ! grep -qaE '__[at]san_init' "$program"; then
	runs=0 refusals=0
	for kilobytes in 25000 40000 60000 80000 100000 200000 400000; do
		rm -f ran
		# shellcheck disable=SC3045 # dash and bash have the option
		(ulimit -v $kilobytes && exec timeout 60 "$program" run --quiet -- sh -c 'touch ran; echo ran') >out 2>err
		got=$?
		case $got in
		0) runs=$((runs + 1)) && prints ran ;;
		125) refusals=$((refusals + 1)) && says '^reprise run: ' && [ ! -e ran ] ;;
		127) says 'shared libraries' ;; # not even the libraries
		*) false ;;
		esac || { fail "with $kilobytes KiB of memory the program answers $got"; cat err; }
	done
	[ $runs -gt 0 ] && [ $refusals -gt 0 ] || fail "memory is refused $refusals times, and not $runs times"
fi

# V84: a death by a signal is the program's own.
cat >died.py <<'PYTHON'
import os, resource, signal, sys
number = int(sys.argv[1])
signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # which python ignores
most = resource.getrlimit(resource.RLIMIT_CORE)[1]
resource.setrlimit(resource.RLIMIT_CORE, (most, most))
process = os.spawnv(os.P_NOWAIT, sys.argv[2], [sys.argv[2], "run", "--quiet", "sh", "-c", f"kill -{number} $$"])
status = os.waitpid(process, 0)[1]
if not os.WIFSIGNALED(status) or os.WTERMSIG(status) != number:
    sys.exit(f"ended with {status}, not by {number}")
if os.WCOREDUMP(status):
    sys.exit(f"the program has a core file by {number}")
PYTHON
for number in 1 2 3 6 9 11 13 14 15 24 36; do
	if command -v python3 >/dev/null; then
		python3 died.py $number "$program" || fail "does not die by signal $number"
	else
		runs $((128 + number)) --quiet -- sh -c "kill -$number \$\$"
	fi
done

# V84: each signal to the program goes on to the command.
for name in TERM INT HUP QUIT USR1 USR2 ALRM WINCH CONT URG PWR TSTP; do
	start --quiet -- sh -c "trap 'echo got $name; exit 5' $name; echo ready; while :; do sleep 0.05; done"
	await out '^ready$'
	kill "-$name" "$served"
	ends 5
	grep -q "^got $name\$" out || fail "SIG$name does not reach the command"
done

# V84: a command that ignores SIGTERM goes on, and so does the program; SIGKILL of the command ends both.
# shellcheck disable=SC2016 # for the inner shell
start --quiet -- sh -c 'trap "" TERM; echo $$; while :; do sleep 0.05; echo on; done'
await out '^[0-9]'
command=$(head -n 1 out)
kill -TERM "$served"
kill -TERM "$served"
lines=$(wc -l <out)
more() { [ "$(wc -l <out)" -gt $((lines + 3)) ]; }
until_true more || fail 'the command does not go on'
kill -KILL "$command"
ends 137

# V84: the program is killed: the command gets SIGPIPE at the next write.
# shellcheck disable=SC2016 # for the inner shell
start --quiet -- sh -c 'echo $$; while :; do sleep 0.05; echo on; done'
await out '^[0-9]'
command=$(head -n 1 out)
kill -KILL "$served"
ends 137
until_true gone "$command" || { fail 'the command outlives the program'; kill -KILL "$command"; }

# V83: masks and dispositions are those without the program.
for change in --default-signal --ignore-signal=HUP,INT,PIPE,CHLD,USR1 --block-signal=TERM,CHLD,PIPE,WINCH; do
	env "$change" grep -E '^Sig(Blk|Ign|Cgt)' /proc/self/status >direct # a shell would change some
	env "$change" "$program" run --quiet -- grep -E '^Sig(Blk|Ign|Cgt)' /proc/self/status >out
	cmp direct out || fail "the command's signals with $change are not its own"
done

# V83: descriptors: those of the program's start, and the program gives up those beyond standard error.
: >held
python3 -c '' 2>/dev/null && {
	list='import os; print(sorted(int(n) for n in os.listdir("/proc/self/fd") if os.path.exists("/proc/self/fd/" + n)))'
	for close in '' '<&-' '2>&-'; do
		sh -c "exec python3 -c '$list' $close 3<held" >direct
		sh -c "exec \"\$0\" run --quiet python3 -c '$list' $close 3<held" "$program" >out
		cmp direct out || { fail "other descriptors with '$close'"; cat direct out; }
	done
}
mkfifo fifo
cat fifo >taken &
heard=$!
start --quiet -- sh -c 'echo one >&3; exec 3>&-; until [ -e stop ]; do sleep 0.05; done' 3>fifo
until_true gone $heard || fail 'a descriptor that the command has closed stays open'
touch stop
ends 0
[ "$(cat taken)" = one ] || fail 'a descriptor is not inherited'
heard=
# The input is the command's alone: the other end of a pipe sees that the command has closed the input, and goes on.
{ timeout 20 yes; echo $? >yes.status; } |
	"$program" run --quiet -- sh -c 'head -n 1; exec </dev/null; until [ -s yes.status ]; do sleep 0.05; done' >out
[ "$(cat out)" = y ] || fail 'the input is not inherited'
[ "$(cat yes.status)" = 141 ] || fail 'the input stays open'

# V83: standard output is closed, full, or cannot be written.
{ timeout 40 "$program" run --quiet yes; echo $? >status; } | head -n 1 >out
[ "$(cat status)" = 141 ] || fail "without an output the command answers $(cat status), not 141"
timeout 40 "$program" run --quiet yes >/dev/full 2>err
[ $? = 141 ] || fail 'a full disk does not end the command'
says 'output cannot be written: No space left'
timeout 40 "$program" run --quiet echo one >/dev/full 2>err
[ $? = 1 ] || fail 'lost output is a success'
timeout 40 "$program" run --quiet -- sh -c 'echo one; exit 7' >/dev/full 2>err
[ $? = 7 ] || fail 'lost output hides the exit status'
timeout 40 "$program" run --quiet -- sh -c 'echo one; exit 6' >&- 2>err
[ $? = 6 ] || fail 'a closed output changes the exit status'
silent 'a closed output'

# V83, V84: the output stands still: a signal reaches the command, and --drain or a second signal ends the wait for the output.
mkfifo slow
# shellcheck disable=SC2217 # holds the pipe open
sleep 300 <slow &
heard=$!
sleeps() { grep -q '^State:.S' "/proc/$(cat pid)/status" 2>/dev/null; }
for drain in 1 600; do
	rm -f pid
	# shellcheck disable=SC2016 # for the inner shell
	env --default-signal=TERM "$program" run --quiet --drain $drain -- sh -c 'echo $$ >pid; exec cat /dev/zero' >slow 2>err &
	served=$!
	until_true test -s pid || fail 'the command does not begin'
	until_true sleeps || fail 'the command does not wait for the output'
	kill -TERM "$served"
	until_true gone "$(cat pid)" || fail 'SIGTERM does not reach a command whose output stands still'
	[ $drain = 1 ] || kill -TERM "$served"
	ends 143
	says 'standard output has not taken the end of the output'
done
kill "$heard"
heard=
exit $bad
