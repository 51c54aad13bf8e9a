/* SPDX-License-Identifier: MIT */
#include "log_postgres/statements.h"

#include "log_postgres/schema.h"

#define LIFE_COLUMNS "number, incarnation, first, last, state, checksum"
#define MARK_COLUMNS "revision, ordinal, checksum"
#define HEAD_COLUMNS                                                                          \
	"id, kind, head, watermark, revision_max, has_ended, end_status, end_ordinal, life, " \
	"moved_revision, moved_ordinal, checksum, lease_ns, lease_end_ns, blobs"
#define BLOB_COLUMNS "checksum, bytes"
#define ROW_COLUMNS  "last, first, revision, time_ns, type, kind, flags, reason, checksum, payload"

/*
 * Row-level security binds most roles to their tenant, but not every role that may be used: so each
 * statement names the tenant as well. Each index begins with the tenant: rows that another tenant
 * has put under a key's number are neither found nor in the way. The sub-select is evaluated once
 * for a statement.
 *
 * OFFSET 0 and the scalar sub-select keep the planner from anything but one look into an index for
 * each thread, whatever it believes about the tables' sizes; and the locks are taken in the order
 * of the threads.
 */
#define OWN_KEY "tenant = (SELECT " OWN_TENANT ") AND key = $1"

const struct statement_text statements[STATEMENTS_COUNT] = {
	[BEGIN_WRITING] = { "begin_writing", "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE" },
	[BEGIN_READING] = { "begin_reading", "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY" },
	[SET_TENANT] = { "set_tenant", "SELECT set_config('reprise.tenant', $1, true)" },
	[SET_TENANT_AND_COMMIT] = { "set_tenant_and_commit",
				    "SELECT set_config('reprise.tenant', $1, true),"
				    " set_config('synchronous_commit', $2, true)" },
	[SET_PATIENCE] = { "set_patience", "SELECT set_config('lock_timeout', $1, true)" },
	[COMMIT] = { "commit", "COMMIT" },
	[ROLLBACK] = { "rollback", "ROLLBACK" },
	[CREATE_HEADS] = { "create_heads",
			   "INSERT INTO heads (tenant, thread)"
			   " SELECT $1::text, asked FROM unnest($2::text[]) AS asked"
			   " WHERE (SELECT id FROM heads WHERE tenant = $1 AND thread = asked) IS "
			   "NULL"
			   " ON CONFLICT DO NOTHING" },
	[LOCK_HEADS] = { "lock_heads", "SELECT FROM unnest($2::text[]) AS asked, LATERAL"
				       " (SELECT FROM heads WHERE tenant = $1 AND thread = asked"
				       " FOR NO KEY UPDATE) AS locked" },
	[LOCK_FREE_HEADS] = { "lock_free_heads",
			      "SELECT place FROM unnest($2::text[]) WITH ORDINALITY"
			      " AS asked (name, place), LATERAL (SELECT FROM heads WHERE tenant = "
			      "$1"
			      " AND thread = name FOR NO KEY UPDATE SKIP LOCKED) AS locked" },
	[FIND_HEADS] = { "find_heads",
			 "SELECT h.id, h.kind, h.head, h.watermark, h.revision_max, h.has_ended,"
			 " h.end_status, h.end_ordinal, h.life, h.moved_revision, h.moved_ordinal,"
			 " h.checksum, h.lease_ns, h.lease_end_ns, h.blobs,"
			 " (SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint), l.*"
			 " FROM unnest($2::text[]) WITH ORDINALITY AS asked (name, place)"
			 " CROSS JOIN LATERAL"
			 " (SELECT * FROM heads WHERE tenant = $1 AND thread = name OFFSET 0) AS h"
			 " LEFT JOIN LATERAL"
			 " (SELECT " LIFE_COLUMNS " FROM lives WHERE tenant = $1 AND key = h.id "
			 "AND number = h.life OFFSET 0) AS l ON true"
			 " ORDER BY place" },
	[PUT_ROW] = { "put_row", "INSERT INTO rows (key, " ROW_COLUMNS ")"
				 " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)" },
	[PUT_ROWS] = { "put_rows", "INSERT INTO rows (key, " ROW_COLUMNS ") SELECT $1::bigint, *"
				   " FROM unnest($2::bigint[], $3::bigint[], $4::bigint[],"
				   " $5::bigint[], $6::integer[], $7::integer[], $8::integer[],"
				   " $9::integer[], $10::integer[], $11::bytea[])" },
	[PUT_RISE] = { "put_rise",
		       "INSERT INTO rises (key, " MARK_COLUMNS ") VALUES ($1, $2, $3, $4)" },
	[DROP_RISES] = { "drop_rises", "DELETE FROM rises WHERE " OWN_KEY " AND revision <= $2" },
	[DELETE_COMMITS] = { "delete_commits",
			     "DELETE FROM commits WHERE " OWN_KEY " AND revision <= $2" },
	[DROP_OLD_COMMITS] = { "drop_old_commits",
			       "DELETE FROM commits WHERE " OWN_KEY " AND revision >="
			       " (SELECT min(revision) FROM (SELECT revision, ordinal FROM commits"
			       " WHERE " OWN_KEY " ORDER BY revision DESC LIMIT $3) AS greatest"
			       " WHERE ordinal <= $2)" },
	[PUT_COMMIT] = { "put_commit",
			 "INSERT INTO commits (key, " MARK_COLUMNS ") VALUES ($1, $2, $3, $4)" },
	[PUT_LIFE] = { "put_life", "INSERT INTO lives (key, " LIFE_COLUMNS
				   ") VALUES ($1, $2, $3, $4, $5, $6, $7)"
				   " ON CONFLICT (tenant, key, number)"
				   " DO UPDATE SET last = excluded.last, state = excluded.state,"
				   " checksum = excluded.checksum" },
	[PUT_HEAD] = { "put_head",
		       "UPDATE heads SET kind = $2, head = $3, watermark = $4, revision_max = $5,"
		       " has_ended = $6, end_status = $7, end_ordinal = $8, life = $9,"
		       " moved_revision = $10, moved_ordinal = $11, checksum = $12,"
		       " lease_ns = $13, lease_end_ns = $14, blobs = $15"
		       " WHERE tenant = (SELECT " OWN_TENANT ") AND id = $1" },
	[PUT_BLOB] = { "put_blob",
		       "INSERT INTO blobs (key, name, " BLOB_COLUMNS ") VALUES ($1, $2, $3, $4)" },
	[DROP_BLOB] = { "drop_blob", "DELETE FROM blobs WHERE " OWN_KEY " AND name = $2" },
	[MOVE_ROWS] = { "move_rows",
			"WITH moved AS (DELETE FROM rows WHERE " OWN_KEY " AND last <="
			" (SELECT max(last) FROM (SELECT last FROM rows"
			" WHERE " OWN_KEY " AND last <= $2 ORDER BY last LIMIT $3) AS lowest)"
			" RETURNING key, " ROW_COLUMNS "), kept AS"
			" (INSERT INTO archive (key, " ROW_COLUMNS ") SELECT * FROM moved)"
			" SELECT count(*), max(last) FROM moved" },
	[DELETE_ROWS] = { "delete_rows",
			  "WITH moved AS (DELETE FROM rows WHERE " OWN_KEY " AND last <="
			  " (SELECT max(last) FROM (SELECT last FROM rows"
			  " WHERE " OWN_KEY " AND last <= $2 ORDER BY last LIMIT $3) AS lowest)"
			  " RETURNING last) SELECT count(*), max(last) FROM moved" },
	[DELETE_KEPT_ROWS] = { "delete_kept_rows",
			       "WITH removed AS (DELETE FROM archive WHERE " OWN_KEY
			       " AND last <= (SELECT max(last) FROM (SELECT last FROM archive"
			       " WHERE " OWN_KEY
			       " AND last <= $2 ORDER BY last LIMIT $3) AS lowest)"
			       " RETURNING last) SELECT count(*), max(last) FROM removed" },
	[DELETE_LIVES] = { "delete_lives", "DELETE FROM lives WHERE " OWN_KEY },
	[DELETE_BLOBS] = { "delete_blobs", "DELETE FROM blobs WHERE " OWN_KEY },
	[FORGET] = { "forget",
		     "WITH a AS (DELETE FROM rows WHERE " OWN_KEY "),"
		     " b AS (DELETE FROM archive WHERE " OWN_KEY "),"
		     " c AS (DELETE FROM rises WHERE " OWN_KEY "),"
		     " d AS (DELETE FROM commits WHERE " OWN_KEY "),"
		     " e AS (DELETE FROM lives WHERE " OWN_KEY "),"
		     " f AS (DELETE FROM blobs WHERE " OWN_KEY ")"
		     " DELETE FROM heads WHERE tenant = (SELECT " OWN_TENANT ") AND id = $1" },
	[ROWS_AFTER] = { "rows_after",
			 "SELECT " ROW_COLUMNS " FROM (SELECT *, sum(octet_length(payload))"
			 " OVER (ORDER BY last ROWS UNBOUNDED PRECEDING)"
			 " - octet_length(payload) AS bytes_before"
			 " FROM (SELECT * FROM rows WHERE " OWN_KEY " AND last > $2"
			 " ORDER BY last LIMIT $3) AS next) AS summed"
			 " WHERE bytes_before < $4 ORDER BY last" },
	[WEIGH] = { "weigh", "SELECT coalesce(sum(octet_length(payload)), 0)::bigint FROM rows"
			     " WHERE " OWN_KEY " AND last > $2" },
	[LIFE_AT] = { "life_at",
		      "SELECT " LIFE_COLUMNS " FROM lives WHERE " OWN_KEY " AND first <= $2"
		      " ORDER BY first DESC, number DESC LIMIT 1" },
	[LIFE_OF] = { "life_of",
		      "SELECT " LIFE_COLUMNS " FROM lives WHERE " OWN_KEY " AND incarnation = $2" },
	[LIVES_AFTER] = { "lives_after",
			  "SELECT " LIFE_COLUMNS " FROM lives WHERE " OWN_KEY " AND number > $2"
			  " ORDER BY number LIMIT $3" },
	[RISES_ABOVE] = { "rises_above",
			  "SELECT " MARK_COLUMNS " FROM rises WHERE " OWN_KEY " AND revision > $2"
			  " ORDER BY revision LIMIT $3" },
	[COMMITS_FROM] = { "commits_from", "SELECT " MARK_COLUMNS " FROM commits WHERE " OWN_KEY
					   " AND revision >= $2 ORDER BY revision LIMIT $3" },
	[BLOB_OF] = { "blob_of",
		      "SELECT " BLOB_COLUMNS " FROM blobs WHERE " OWN_KEY " AND name = $2" },
	[BLOB_NAMES_AFTER] = { "blob_names_after", "SELECT name FROM blobs WHERE " OWN_KEY
						   " AND name > $2 ORDER BY name LIMIT $3" },
	[THREADS_AFTER] = { "threads_after", "SELECT " HEAD_COLUMNS ", thread FROM heads"
					     " WHERE tenant = $1 AND thread > $2"
					     " ORDER BY thread LIMIT $3" },
	[TENANT_AFTER] = { "tenant_after",
			   "SELECT row_security_active('heads'), (SELECT tenant FROM heads"
			   " WHERE tenant > $1 AND kind <> 0 ORDER BY tenant LIMIT 1)" },
	/* The function is there in every version since 8.3; its successor since 13. */
	[SNAPSHOT] = { "snapshot", "SELECT txid_current_snapshot()::text" },
	[TELL_NEWS] = { "tell_news", "SELECT pg_notify($1, $2)" },
	/*
	 * Sessions of our role that write to this log and whose client has been silent for so long.
	 * The server's own time-outs do not run between the end of one statement and the beginning
	 * of the next in a pipeline.
	 */
	[END_ABANDONED] = { "end_abandoned",
			    "SELECT count(*) FROM (SELECT pg_terminate_backend(pid)"
			    " FROM pg_stat_activity WHERE usename = current_user"
			    " AND wait_event_type = 'Client' AND greatest(query_start, "
			    "state_change)"
			    " < clock_timestamp() - $1::bigint * interval '1 millisecond'"
			    " AND pid IN (SELECT pid FROM pg_locks WHERE granted AND"
			    " relation = 'heads'::regclass AND pid <> pg_backend_pid() AND"
			    " mode IN ('RowShareLock', 'RowExclusiveLock')) OFFSET 0) AS ended" },
};
