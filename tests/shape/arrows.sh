#!/bin/sh
# SPDX-License-Identifier: MIT
# The arrows of the house point down, vendor headers stay in their one room, and every file names its
# licence.
# Usage: arrows.sh PROJECT
cd "$1" || exit 1
bad=0
fail() { echo "shape: $*"; bad=1; }

# room: the rooms that it may include
allowed() {
	case $1 in
	base) echo base ;;
	ring) echo base ring ;;
	store) echo base ring store ;;
	log) echo base log ;;
	log_sqlite) echo base log log_sqlite ;;
	log_postgres) echo base log log_postgres ;;
	conversation) echo base log conversation ;;
	recorder) echo base ring store log recorder ;;
	thread) echo base thread ;;
	thread_sqlite) echo base thread thread_sqlite ;;
	thread_postgres) echo base thread thread_postgres ;;
	jetstream) echo base thread jetstream ;;
	http) echo base http ;;
	durable) echo base durable ;;
	gateway) echo base http durable gateway ;;
	tool) echo tool ;;
	*) echo ;;
	esac
}

for file in src/*/*.[ch]; do
	room=$(basename "$(dirname "$file")")
	may=$(allowed "$room")
	[ -n "$may" ] || fail "$file: a room that no arrow leads to"
	# shellcheck disable=SC2013 # a room is one word
	for included in $(sed -n 's/^#include "\([a-z_]*\)\/.*/\1/p' "$file"); do
		case " $may " in
		*" $included "*) ;;
		*) fail "$file includes $included/, against the arrows" ;;
		esac
	done
	if grep -q '^#include <urcu' "$file" && [ "$file" != src/store/table.c ]; then
		fail "$file includes liburcu, which is table.c's alone"
	fi
	if grep -q '^#include <sqlite3' "$file"; then
		case $room in
		log_sqlite | thread_sqlite) ;;
		*) fail "$file includes SQLite, which is log_sqlite's and thread_sqlite's alone" ;;
		esac
	fi
	if grep -q '^#include <jansson' "$file" && [ "$room" != thread ] && [ "$file" != src/tool/json_text.c ]; then
		fail "$file includes jansson, which is thread's and json_text.c's alone"
	fi
	if grep -q '^#include <ncurses' "$file" && [ "$file" != src/tool/top_screen.c ]; then
		fail "$file includes ncurses, which is tool/top_screen.c's alone"
	fi
	if grep -q '^#include <curl' "$file" && [ "$file" != src/tool/client.c ]; then
		fail "$file includes libcurl, which is tool/client.c's alone"
	fi
	if grep -q '^#include <libpq' "$file"; then
		case $room in
		log_postgres | thread_postgres) ;;
		*)
			[ "$file" = src/tool/doctor_server.c ] ||
				fail "$file includes libpq, which is log_postgres's, thread_postgres's and tool/doctor_server.c's alone"
			;;
		esac
	fi
	if grep -q '^#include <nats' "$file" && [ "$room" != jetstream ]; then
		fail "$file includes libnats, which is jetstream's alone"
	fi
	if grep -q '^#include <event2' "$file" && [ "$room" != http ]; then
		fail "$file includes libevent, which is http's alone"
	fi
	if grep -q '^#include <openssl' "$file" && [ "$file" != src/http/tls.c ]; then
		fail "$file includes OpenSSL, which is http/tls.c's alone"
	fi
	if [ "$room" = ring ] && grep -q '^#include <reprise/' "$file"; then
		fail "$file: the ring knows nothing of the public calls"
	fi
done

# The bare client of the harness, and the peer.
for file in bench/*.[ch] bench/peers/*.[ch]; do
	case $file in
	bench/nats_bare.c | bench/peers/nats_jetstream.c) continue ;;
	esac
	! grep -q '^#include <nats' "$file" || fail "$file includes libnats, which is the bare client's alone"
done

# shellcheck disable=SC2044 # our names have no spaces
for file in $(find include src bench tests -name '*.[ch]'); do
	grep -q 'SPDX-License-Identifier: MIT' "$file" || fail "$file names no licence"
done

# Every public function says the four facts: each comment that stands before a declaration has them.
for header in include/reprise/*.h; do
	awk -v file="$header" '
	/^\/\*$/ { comment = ""; inside = 1 }
	inside { comment = comment $0 "\n" }
	/^ \*\/$/ { inside = 0; declares = 1; next }
	declares && /^REPRISE_API/ {
		split("Threads Progress Ordering Returns", facts, " ")
		for (i in facts) if (comment !~ "\n \\* " facts[i] "  ") {
			print "shape: " file ": " $0 ": does not say " facts[i]; bad = 1 }
	}
	/^$/ { declares = 0 }
	END { exit bad }' "$header" || bad=1
done

# Words that stand for another one of ours (src/README.md).
words() {
	grep -rniE "\b($1)s?\b" include src bench tests --include='*.[ch]'
}
if words 'consumer|listener|subscriber|follower|reader|sequence number'; then
	fail "a word that stands for another one of ours"
fi
# A conversation and a thread document have messages, and so has a stream of NATS; an event of SSE
# and an error in JSON have the word by their protocols, and so have the vendors' events of the demo. Nothing else has.
if words message | grep -vE '^[^:]*([/_]?gateway[/_]|/libevent_bare\.c|/http/respond\.c|/tool/(test_)?sse_parse\.[ch]|/fuzz/tool_sse\.c|/tool/tail_(block|pick)\.c|/serve_demo_script\.c|/http/test_server\.c|/conversation/|conversation[_a-z]*\.|/((contract|tool)_)?thread(_[a-z]+)?[/.]|/([a-z]+_)?(jetstream|nats)(_[a-z]+)?[/.])'; then
	fail "a word that stands for another one of ours: message"
fi
exit $bad
