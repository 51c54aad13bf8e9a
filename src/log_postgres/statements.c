/* SPDX-License-Identifier: MIT */
#include "log_postgres/statements.h"

#define LIFE_COLUMNS "number, incarnation, first, last, state"
#define ROW_COLUMNS  "last, first, revision, time_ns, type, kind, flags, reason, checksum, payload"

/*
 * Row-level security binds most roles to their tenant, but not every role that may be used: so what is found by a
 * name is found by its tenant as well. Everything else is found by a key that was found so.
 *
 * OFFSET 0 and the scalar sub-select keep the planner from anything but one look into an index for each thread,
 * whatever it believes about the tables' sizes; and the locks are taken in the order of the threads.
 */
const struct statement_text statements[STATEMENTS_COUNT] = {
	[BEGIN_WRITING] = { "begin_writing", "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE" },
	[BEGIN_READING] = { "begin_reading", "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY" },
	[SET_TENANT] = { "set_tenant", "SELECT set_config('reprise.tenant', $1, true)" },
	[SET_TENANT_AND_COMMIT] = { "set_tenant_and_commit",
				    "SELECT set_config('reprise.tenant', $1, true),"
				    " set_config('synchronous_commit', $2, true)" },
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
	[FIND_HEADS] = { "find_heads",
			 "SELECT id, kind, head, watermark, revision_max, has_ended, end_status,"
			 " end_ordinal, life, " LIFE_COLUMNS
			 " FROM unnest($2::text[]) WITH ORDINALITY AS asked (name, place)"
			 " CROSS JOIN LATERAL"
			 " (SELECT * FROM heads WHERE tenant = $1 AND thread = name OFFSET 0) AS h"
			 " LEFT JOIN LATERAL"
			 " (SELECT " LIFE_COLUMNS
			 " FROM lives WHERE key = h.id AND number = h.life OFFSET 0) AS l ON true"
			 " ORDER BY place" },
	[PUT_ROW] = { "put_row", "INSERT INTO rows (key, " ROW_COLUMNS ")"
				 " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)" },
	[PUT_ROWS] = { "put_rows", "INSERT INTO rows (key, " ROW_COLUMNS ") SELECT $1::bigint, *"
				   " FROM unnest($2::bigint[], $3::bigint[], $4::bigint[],"
				   " $5::bigint[], $6::integer[], $7::integer[], $8::integer[],"
				   " $9::integer[], $10::integer[], $11::bytea[])" },
	[PUT_RISE] = { "put_rise",
		       "INSERT INTO rises (key, revision, ordinal) VALUES ($1, $2, $3)" },
	[DELETE_COMMITS] = { "delete_commits",
			     "DELETE FROM commits WHERE key = $1 AND revision <= $2" },
	[PUT_COMMIT] = { "put_commit",
			 "INSERT INTO commits (key, revision, ordinal) VALUES ($1, $2, $3)" },
	[PUT_LIFE] = { "put_life",
		       "INSERT INTO lives (key, " LIFE_COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6)"
		       " ON CONFLICT (key, number)"
		       " DO UPDATE SET last = excluded.last, state = excluded.state" },
	[PUT_HEAD] = { "put_head",
		       "UPDATE heads SET kind = $2, head = $3, watermark = $4, revision_max = $5,"
		       " has_ended = $6, end_status = $7, end_ordinal = $8, life = $9"
		       " WHERE id = $1" },
	[MOVE_ROWS] = { "move_rows",
			"WITH moved AS (DELETE FROM rows WHERE key = $1 AND last <="
			" (SELECT max(last) FROM (SELECT last FROM rows"
			" WHERE key = $1 AND last <= $2 ORDER BY last LIMIT $3) AS lowest)"
			" RETURNING key, " ROW_COLUMNS ")"
			" INSERT INTO archive (key, " ROW_COLUMNS ") SELECT * FROM moved" },
	[DELETE_ROWS] = { "delete_rows",
			  "DELETE FROM rows WHERE key = $1 AND last <="
			  " (SELECT max(last) FROM (SELECT last FROM rows"
			  " WHERE key = $1 AND last <= $2 ORDER BY last LIMIT $3) AS lowest)" },
	[ROWS_AFTER] = { "rows_after",
			 "SELECT " ROW_COLUMNS " FROM (SELECT *, sum(octet_length(payload))"
			 " OVER (ORDER BY last ROWS UNBOUNDED PRECEDING)"
			 " - octet_length(payload) AS bytes_before"
			 " FROM (SELECT * FROM rows WHERE key = $1 AND last > $2"
			 " ORDER BY last LIMIT $3) AS next) AS summed"
			 " WHERE bytes_before < $4 ORDER BY last" },
	[LIFE_AT] = { "life_at", "SELECT " LIFE_COLUMNS " FROM lives WHERE key = $1 AND first <= $2"
				 " ORDER BY first DESC, number DESC LIMIT 1" },
	[LIFE_OF] = { "life_of",
		      "SELECT " LIFE_COLUMNS " FROM lives WHERE key = $1 AND incarnation = $2" },
	[LIVES_AFTER] = { "lives_after",
			  "SELECT " LIFE_COLUMNS " FROM lives WHERE key = $1 AND number > $2"
			  " ORDER BY number LIMIT $3" },
	[RISE_ABOVE] = { "rise_above", "SELECT ordinal FROM rises WHERE key = $1 AND revision > $2"
				       " ORDER BY revision LIMIT 1" },
	[COMMIT_FROM] = { "commit_from",
			  "SELECT ordinal FROM commits WHERE key = $1 AND revision >= $2"
			  " ORDER BY revision LIMIT 1" },
	[THREADS_AFTER] = { "threads_after",
			    "SELECT thread FROM heads WHERE tenant = $1 AND thread > $2"
			    " AND kind <> 0 ORDER BY thread LIMIT $3" },
};
