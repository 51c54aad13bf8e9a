#!/bin/sh
# SPDX-License-Identifier: MIT
# V93, V94: the findings of `reprise doctor` on machines and logs with faults. The parts that need a namespace of mounts
# or another user are skipped where the caller is not root.
# Usage: tool_doctor.sh PROGRAM FILL FILTER     (FILL is tool_log_fill, FILTER is tool_doctor_filter)
program=$1
fill=$2
filter=$3
bad=0
fail() { echo "tool: $*"; bad=1; }
scratch=$(mktemp -d) || exit 1
holder=
# shellcheck disable=SC2317 # the trap calls it
clean() {
	[ -z "$holder" ] || kill "$holder" 2>/dev/null
	chmod -R u+w "$scratch"
	rm -rf "$scratch"
}
trap clean EXIT
trap 'exit 1' INT TERM
chmod 755 "$scratch"

# doctor STATUS COMMAND ...: the output is in $scratch/out then
doctor() {
	wanted=$1
	shift
	timeout 60 "$@" >"$scratch/out" 2>"$scratch/err"
	got=$?
	[ $got = "$wanted" ] || { fail "'$*' answered $got, not $wanted"; cat "$scratch/out" "$scratch/err"; }
}
# finds LEVEL NAME WORDS: the finding of the check NAME
finds() {
	grep -qE -e "^$1 +$2 +.*$3" "$scratch/out" || { fail "no finding '$1 $2 $3'"; cat "$scratch/out"; }
}
refuses() {
	words=$1
	shift
	doctor 2 "$program" doctor "$@"
	grep -q -e "$words" "$scratch/err" || { fail "'doctor $*' does not say $words"; cat "$scratch/err"; }
	[ ! -s "$scratch/out" ] || fail "'doctor $*' has output"
}

# Arguments.
refuses unrecognized --unknown
refuses 'options alone' somewhere
for name in log schema tenant; do
	refuses 'requires an argument' "--$name"
	refuses "--$name is given twice" "--$name" a "--$name" a
done
refuses 'json is given twice' --json --json
refuses "doesn't allow an argument" --json=1
refuses '--schema needs --log' --schema s
refuses '--tenant needs --log' --tenant t
for place in '' file.db sqlit:x; do refuses '--log takes sqlite:FILE' --log "$place"; done
refuses '--log sqlite: needs a FILE' --log sqlite:
refuses '--schema needs a log in PostgreSQL' --log "sqlite:$scratch/none" --schema s
long=$(printf '%0129d' 0)
for tenant in '' "$long" "$(printf '\377')"; do
	refuses '--tenant takes' --log "sqlite:$scratch/none" --tenant "$tenant"
done
"$program" doctor >/dev/full 2>"$scratch/err"
[ $? = 1 ] || fail 'a lost output is no failure'

# A healthy machine: each line has its form, each check is there once, and a warning says what to do.
doctor 0 "$program" doctor
awk '
/^(ok  |warn|fail)  [a-z-]+ +[^ ]/ {
	if (wants_advice) { print "no advice before: " $0; bad = 1 }
	if (seen[$2]++) { print "twice: " $2; bad = 1 }
	wants_advice = $1 != "ok"
	next
}
/^      to do: ./ && wants_advice { wants_advice = 0; next }
{ print "a line of another form: " $0; bad = 1 }
END {
	split("kernel system-calls store membarrier descriptors mappings address-space overcommit memory threads" \
		" clock clock-coarse wall-clock time-sync checksums parts liburcu", names, " ")
	for (i in names) if (!seen[names[i]]) { print "no check " names[i]; bad = 1 }
	exit bad || wants_advice
}' "$scratch/out" || fail 'the findings are not of their form'
finds ok store 'reaches a subscription'
finds ok kernel Linux
text=$(sed -nE 's/^(ok|warn|fail) +([a-z-]+) .*/\2 \1/p' "$scratch/out")
doctor 0 "$program" doctor --json
if command -v python3 >/dev/null; then
	python3 - "$scratch/out" >"$scratch/json" <<'PYTHON' || fail 'the JSON is not as it should be'
import json, sys
for line in open(sys.argv[1], encoding="utf-8"):
    row = json.loads(line)
    assert set(row) == ({"check", "result", "finding"} | ({"advice"} if row["result"] != "ok" else set())), row
    print(row["check"], row["result"])
PYTHON
	[ "$(cat "$scratch/json")" = "$text" ] || fail 'the JSON has other findings than the text'
fi

# Descriptors.
doctor 1 sh -c 'ulimit -n 64 && exec "$@"' sh "$program" doctor
finds fail descriptors '64 descriptors'
grep -q 'to do: raise the hard limit' "$scratch/out" || fail 'a low hard limit has no advice'
doctor 0 sh -c 'ulimit -Sn 1000 && exec "$@"' sh "$program" doctor
finds warn descriptors '1000 descriptors: serve can hold about 936 of its 10000'
# Address space.
doctor 0 sh -c 'ulimit -v 4194304 && exec "$@"' sh "$program" doctor
finds warn address-space 'limited to 4.0 GiB .*room for about [0-9]+ sessions'

# Calls that the kernel refuses.
"$filter" membarrier /bin/true
if [ $? != 77 ]; then
	doctor 0 "$filter" membarrier "$program" doctor
	finds warn membarrier 'refused \(Operation not permitted\): each append makes the barrier'
	finds ok store 'reaches a subscription'
	doctor 0 "$filter" adjtimex "$program" doctor
	finds warn time-sync 'unknown: adjtimex\(2\) cannot be read'
	doctor 1 "$filter" eventfd "$program" doctor
	finds fail system-calls 'eventfd is refused'
	doctor 1 "$filter" madvise "$program" doctor
	finds fail system-calls 'MADV_WIPEONFORK is refused'
	finds fail store 'cannot be used: .*REPRISE_E_SYSTEM.*Operation not permitted'
	finds warn membarrier unknown
else
	echo "tool: skipped the filter of system calls"
fi

# A clock behind the program's file.
cp "$program" "$scratch/program"
touch -d '2100-01-01' "$scratch/program"
doctor 0 "$scratch/program" doctor
finds warn wall-clock "before the time of the program's file"
rm "$scratch/program"

# A folder, and a file that is not there: nothing is created.
log=$scratch/folder/log
mkdir "$scratch/folder"
doctor 0 "$program" doctor --log "sqlite:$log"
finds ok log-folder 'can be written'
finds 'ok|warn' log-disk .
finds 'ok|warn' log-space free
finds ok log-file 'does not exist; serve creates the file'
[ -z "$(ls "$scratch/folder")" ] || fail 'a missing log was created'
doctor 1 "$program" doctor --log "sqlite:$scratch/none/log"
finds fail log-folder 'No such file'
doctor 1 "$program" doctor --log "sqlite:$program/log"
finds fail log-folder 'is not a folder|Not a directory'
doctor 1 "$program" doctor --log "sqlite:$scratch/folder"
finds fail log-file 'is not a regular file'
weird=$scratch/folder/$(printf 'a\033[31m\377b')
doctor 0 "$program" doctor --log "sqlite:$weird"
finds ok log-file '\\u001b\[31m\\xffb'
doctor 0 "$program" doctor --json --log "sqlite:$weird"
! grep -q "$(printf '\033')" "$scratch/out" || fail 'JSON has a control character'

# A log. It stays as it is; -shm is the memory that SQLite shares between readings.
"$fill" file "$log" || exit 1
sum() { find "$scratch/folder" -type f ! -name '*-shm' -exec cksum {} + | sort; }
before=$(sum)
doctor 0 "$program" doctor --log "sqlite:$log"
finds ok log-file 'is a file of this user'
finds ok log-open 'with the schema of this library'
finds ok log-tenant 'the tenant default has 2 threads'
doctor 0 "$program" doctor --log "sqlite:$log" --tenant nobody
finds ok log-tenant 'the tenant nobody has 0 threads'
[ "$(sum)" = "$before" ] || fail 'the log was changed'

# Schemas of other versions: the number stands in byte 60 of the file.
for version in 4:warn:0:older 99:fail:1:newer; do
	IFS=: read -r number level status words <<VERSION
$version
VERSION
	rm -rf "$scratch/other"
	mkdir "$scratch/other"
	cp "$log" "$scratch/other/log"
	printf '%b' "\\000\\000\\000\\0$(printf %o "$number")" |
		dd of="$scratch/other/log" bs=1 seek=60 conv=notrunc 2>/dev/null
	doctor "$status" "$program" doctor --log "sqlite:$scratch/other/log"
	finds "$level" log-open "REPRISE_E_VERSION.*$words schema"
done

# Damage, a second name, a file that moved away from its -wal.
echo 'This is no database. It has more than a hundred bytes, so that the head of the file is read as a head of SQLite.' \
	>"$scratch/other/text"
doctor 1 "$program" doctor --log "sqlite:$scratch/other/text"
finds fail log-open 'REPRISE_E_CORRUPT.*not a SQLite database'
: >"$scratch/other/empty"
doctor 1 "$program" doctor --log "sqlite:$scratch/other/empty"
finds fail log-open 'REPRISE_E_CORRUPT.*empty'
head -c 8192 "$log" >"$scratch/other/short"
doctor 1 "$program" doctor --log "sqlite:$scratch/other/short"
finds fail log-open 'REPRISE_E_CORRUPT'
ln "$log" "$scratch/folder/second"
doctor 1 "$program" doctor --log "sqlite:$log"
finds fail log-file 'has a second name'
finds fail log-open 'REPRISE_E_IO'
rm "$scratch/folder/second"
mv "$log" "$scratch/folder/moved"
doctor 0 "$program" doctor --log "sqlite:$log"
finds warn log-file 'does not exist, but its -lock does'
echo pages >"$log-wal"
doctor 1 "$program" doctor --log "sqlite:$log"
finds fail log-file 'does not exist, but its -wal does'
rm "$log-wal"
mv "$scratch/folder/moved" "$log"
truncate -s 100M "$log-journal"
doctor 0 "$program" doctor --log "sqlite:$log"
finds warn log-wal 'a -journal stands beside'
rm "$log-journal"

# Another program holds the log.
if command -v python3 >/dev/null && python3 -c 'import sqlite3' 2>/dev/null; then
	mkfifo "$scratch/held" "$scratch/free"
	python3 - "$log" "$scratch/held" "$scratch/free" <<'PYTHON' &
import sqlite3, sys
held = sqlite3.connect(sys.argv[1], isolation_level=None)
held.execute("PRAGMA locking_mode = EXCLUSIVE")
held.execute("BEGIN EXCLUSIVE")
open(sys.argv[2], "w").write("held\n")
open(sys.argv[3]).read()
PYTHON
	holder=$!
	read -r _ <"$scratch/held"
	doctor 1 "$program" doctor --log "sqlite:$log"
	finds fail log-open 'the log is locked.*REPRISE_E_TIMEOUT'
	echo free >"$scratch/free"
	wait $holder
	holder=
	doctor 0 "$program" doctor --log "sqlite:$log"
fi

# A user without rights: another user than root.
if [ "$(id -u)" = 0 ] && setpriv --reuid=65534 --regid=65534 --clear-groups true 2>/dev/null &&
	setpriv --reuid=65534 --regid=65534 --clear-groups "$program" --version >/dev/null 2>&1; then
	as_other() { status=$1; shift; doctor "$status" setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }
else
	as_other() { doctor "$@"; }
	[ "$(id -u)" != 0 ] || as_other=skip
fi
if [ "${as_other:-}" != skip ]; then
	chmod 555 "$scratch/folder"
	chmod 444 "$scratch/folder"/*
	as_other 1 "$program" doctor --log "sqlite:$log"
	finds fail log-folder 'cannot be written: Permission denied'
	finds fail log-file 'cannot be written: Permission denied'
	chmod 000 "$log"
	as_other 1 "$program" doctor --log "sqlite:$log"
	finds fail log-file 'cannot be read: Permission denied'
	chmod 755 "$scratch/folder"
	chmod 644 "$scratch/folder"/*
else
	echo "tool: skipped the other user"
fi
if [ "$(id -u)" = 0 ]; then
	chown 65534 "$log"
	doctor 0 "$program" doctor --log "sqlite:$log"
	finds warn log-file 'belongs to the user 65534'
	chown 0 "$log"
fi

# Mounts of its own: a full disk, a machine with other settings, and no /proc.
# mounted STATUS MOUNTS: doctor, behind the commands of MOUNTS
mounted() {
	status=$1 mounts=$2
	# shellcheck disable=SC2016 # the inner shell expands the words
	doctor "$status" unshare -m sh -c "$mounts"' && exec "$0" doctor --log "sqlite:$1/log"' "$program" "$scratch/mount"
}
mkdir "$scratch/mount"
if [ "$(id -u)" = 0 ] && unshare -m mount -t tmpfs none "$scratch/mount" 2>/dev/null; then
	mounted 1 "mount -t tmpfs -o size=64k none $scratch/mount && head -c 65536 /dev/zero >$scratch/mount/full"
	finds fail log-space '0 bytes free'
	finds warn log-disk 'tmpfs: the log is gone'
	mounted 1 "mount -t tmpfs -o ro none $scratch/mount"
	finds fail log-folder 'cannot be written: Read-only file system'
	echo 1000 >"$scratch/count"
	echo 2 >"$scratch/two"
	mounted 0 "mount --bind $scratch/count /proc/sys/vm/max_map_count &&
		mount --bind $scratch/two /proc/sys/vm/overcommit_memory"
	finds warn mappings 'max_map_count is 1000'
	finds warn overcommit 'overcommit_memory is 2: .*room for about [0-9]+ default windows'
	mkdir -p "$scratch/groups/a/b"
	echo max >"$scratch/groups/a/b/memory.max"
	echo 67108864 >"$scratch/groups/a/memory.max"
	echo 5000 >"$scratch/groups/a/b/pids.max"
	echo '0::/a/b' >"$scratch/group"
	mounted 0 "mount --bind $scratch/groups /sys/fs/cgroup && mount --bind $scratch/group /proc/\$\$/cgroup"
	finds warn memory 'the control group has at most 64.0 MiB; 64 full windows'
	finds ok threads 'the control group has at most 5000'
	mkdir -p "$scratch/groups/memory/c"
	echo 134217728 >"$scratch/groups/memory/c/memory.limit_in_bytes"
	echo 9223372036854771712 >"$scratch/groups/memory/memory.limit_in_bytes"
	echo '4:cpu,memory:/c' >"$scratch/group"
	mounted 0 "mount --bind $scratch/groups /sys/fs/cgroup && mount --bind $scratch/group /proc/\$\$/cgroup"
	finds ok memory 'the control group has at most 128.0 MiB; 128 full windows'
	mounted 0 "mount -t tmpfs none /proc && mount -t tmpfs none /sys"
	for name in mappings overcommit memory; do finds warn $name 'unknown: /proc'; done
	finds ok clock 'clock source is unknown'
	finds ok store 'reaches a subscription'
else
	echo "tool: skipped the mounts"
fi
exit $bad
