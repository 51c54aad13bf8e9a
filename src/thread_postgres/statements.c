/* SPDX-License-Identifier: MIT */
#include "thread_postgres/statements.h"

#define HEAD_COLUMNS \
	"id, uid, version, base, complete_after, text_bytes, delta_bytes, growth_bytes, checksum"

/* The two halves of an advisory lock's number, as pg_locks has them. */
#define LOCK_NUMBER "hashtextextended($1::text COLLATE \"C\", 0)"

/*
 * A transaction that writes locks its id twice. The advisory lock is there before the head is: two
 * that create the same document exclude each other. Its number is a hash, so two ids may have the
 * same; then one waits for the other without need, and since a transaction locks one id there is no
 * deadlock. The row's lock keeps off programs that change a head by SQL of their own.
 *
 * In READ COMMITTED each statement sees what was committed when it begins: FIND_HEAD, sent after
 * both locks are held, sees the newest head, and its clock is read then.
 */
const struct statement_text statements[STATEMENTS_COUNT] = {
	[BEGIN_WRITING] = { "begin_writing", "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE" },
	[BEGIN_READING] = { "begin_reading", "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY" },
	[COMMIT] = { "commit", "COMMIT" },
	[ROLLBACK] = { "rollback", "ROLLBACK" },
	[WAIT_FOR_LOCKS] = { "wait_for_locks", "SELECT set_config('lock_timeout', $1, true)" },
	[LOCK_ID] = { "lock_id", "SELECT pg_advisory_xact_lock(" LOCK_NUMBER ")" },
	/*
	 * Sessions of our role that hold the lock and whose client has been silent for so long. The
	 * server's own time-outs do not run between the end of one statement and the beginning of
	 * the next in a pipeline. A large statement that is on its way was announced with the time
	 * that it may take; a delta that is read before it is dropped may be the largest.
	 */
	[END_ABANDONED] = { "end_abandoned",
			    "SELECT count(*) FROM (SELECT pg_terminate_backend(pid)"
			    " FROM pg_stat_activity WHERE usename = current_user"
			    " AND wait_event_type = 'Client'"
			    " AND greatest(query_start, state_change)"
			    " < clock_timestamp() - interval '1 millisecond' * ($2::bigint +"
			    " CASE WHEN wait_event = 'ClientWrite' THEN $3::bigint ELSE"
			    " coalesce(substring(query FROM '^SELECT ([0-9]+) AS reprise_ms$')"
			    "::bigint, 0) END)"
			    " AND pid IN (SELECT pid FROM pg_locks WHERE granted"
			    " AND locktype = 'advisory' AND objsubid = 1"
			    " AND pid <> pg_backend_pid() AND database ="
			    " (SELECT oid FROM pg_database WHERE datname = current_database())"
			    " AND classid::bigint = (" LOCK_NUMBER " >> 32) & 4294967295"
			    " AND objid::bigint = " LOCK_NUMBER " & 4294967295)"
			    " OFFSET 0) AS ended" },
	[LOCK_HEAD] = { "lock_head", "SELECT FROM heads WHERE id = $1 FOR UPDATE" },
	[FIND_HEAD] = { "find_head",
			"SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint,"
			" horizon_ms, floor_ms, keeping_checksum, " HEAD_COLUMNS
			" FROM (VALUES (true)) AS one (is_one)"
			" LEFT JOIN (SELECT is_here, horizon_ms, floor_ms,"
			" checksum AS keeping_checksum FROM about) AS keeping ON is_here = is_one"
			" LEFT JOIN heads ON id = $1" },
	[PUT_HEAD] = { "put_head",
		       "INSERT INTO heads (" HEAD_COLUMNS ")"
		       " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
		       " ON CONFLICT (id) DO UPDATE SET uid = excluded.uid,"
		       " version = excluded.version, base = excluded.base,"
		       " complete_after = excluded.complete_after,"
		       " text_bytes = excluded.text_bytes, delta_bytes = excluded.delta_bytes,"
		       " growth_bytes = excluded.growth_bytes,"
		       " checksum = excluded.checksum" },
	[PUT_TEXT] = { "put_text",
		       "INSERT INTO texts (uid, version, checksum, json) VALUES ($1, $2, $3, $4)"
		       " ON CONFLICT (uid) DO UPDATE SET version = excluded.version,"
		       " checksum = excluded.checksum, json = excluded.json" },
	[PUT_DELTA] = { "put_delta", "INSERT INTO deltas (uid, version, stored_ms, checksum, json)"
				     " VALUES ($1, $2, $3, $4, $5)" },
	[PUT_APPLIED] = { "put_applied",
			  "INSERT INTO applied (uid, delta_id, version, applied_ms, checksum,"
			  " digest, applied_ms_inverse) VALUES ($1, $2, $3, $4, $5, $6, "
			  "~$4::bigint)" },
	[DROP_HEAD] = { "drop_head", "DELETE FROM heads WHERE id = $1" },
	[DROP_TEXT] = { "drop_text", "DELETE FROM texts WHERE uid = $1" },
	[DROP_DELTAS] = { "drop_deltas", "DELETE FROM deltas WHERE uid = $1 AND version <= $2" },
	/* Nobody changes such a row: it is where it was when it was locked. */
	[DROP_APPLIED] = { "drop_applied",
			   "DELETE FROM applied WHERE ctid = ANY (ARRAY (SELECT ctid FROM applied"
			   " WHERE applied_ms < $1 AND applied_ms_inverse = ~applied_ms ORDER BY "
			   "applied_ms LIMIT $2"
			   " FOR UPDATE SKIP LOCKED))" },
	[TEXT_OF] = { "text_of", "SELECT version, checksum, json FROM texts WHERE uid = $1" },
	[DELTAS_AFTER] = { "deltas_after",
			   "SELECT version, stored_ms, checksum, json FROM"
			   " (SELECT *, sum(octet_length(json))"
			   " OVER (ORDER BY version ROWS UNBOUNDED PRECEDING)"
			   " - octet_length(json) AS bytes_before"
			   " FROM (SELECT version, stored_ms, checksum, json FROM deltas"
			   " WHERE uid = $1 AND version > $2 ORDER BY version LIMIT $3) AS next)"
			   " AS summed WHERE bytes_before < $4 ORDER BY version" },
	/* OFFSET 0 makes it one look into the index for each id, whatever the planner believes. */
	[APPLIED_OF] = { "applied_of",
			 "SELECT found.*, place FROM unnest($2::text[]) WITH ORDINALITY"
			 " AS asked (name, place) CROSS JOIN LATERAL"
			 " (SELECT version, applied_ms, checksum, digest FROM applied"
			 " WHERE uid = $1 AND delta_id = name OFFSET 0) AS found" },
	[COUNT_HEADS] = { "count_heads", "SELECT count(*) FROM heads" },
	[HEADS_FROM] = { "heads_from",
			 "SELECT " HEAD_COLUMNS " FROM heads ORDER BY id OFFSET $1 LIMIT $2" },
};
