/* SPDX-License-Identifier: MIT */
#include <stddef.h>

#include "log_postgres/schema.h"

/*
 * Rows of the tenant that is set for the transaction, and no others; none if it is not set. The
 * sub-select is evaluated once for a statement. The owner is bound as well.
 */
#define BOUND_TO_TENANT(table)                                                              \
	"ALTER TABLE " table " ENABLE ROW LEVEL SECURITY",                                  \
		"ALTER TABLE " table " FORCE ROW LEVEL SECURITY",                           \
		"CREATE POLICY own_tenant ON " table " USING (tenant = (SELECT " OWN_TENANT \
		")) WITH CHECK (tenant = " OWN_TENANT ")"

/* A row written without a tenant belongs to the transaction's tenant. */
#define TENANT_COLUMN "tenant text COLLATE \"C\" NOT NULL DEFAULT " OWN_TENANT

static const char *const version_1[] = {
	"CREATE TABLE about ("
	" is_here boolean PRIMARY KEY DEFAULT true CHECK (is_here),"
	" marker text NOT NULL,"
	" version integer NOT NULL)",

	/* kind 0: somebody wants to write, and has not yet. Heads are rewritten in their page. */
	"CREATE TABLE heads ("
	" id bigint GENERATED ALWAYS AS IDENTITY UNIQUE,"
	" kind integer NOT NULL DEFAULT 0,"
	" head bigint NOT NULL DEFAULT 0,"
	" watermark bigint NOT NULL DEFAULT 0,"
	" revision_max bigint NOT NULL DEFAULT -9223372036854775808,"
	" has_ended boolean NOT NULL DEFAULT false,"
	" end_status integer NOT NULL DEFAULT 0,"
	" end_ordinal bigint NOT NULL DEFAULT 0,"
	" life bigint NOT NULL DEFAULT 0," /* the number of the last */
	" " TENANT_COLUMN ","
	" thread text COLLATE \"C\" NOT NULL,"
	" PRIMARY KEY (tenant, thread)) WITH (fillfactor = 50)",
	"COMMENT ON COLUMN heads.revision_max IS 'less 2^63, as every revision here'",

	"CREATE TABLE lives ("
	" key bigint NOT NULL,"
	" number bigint NOT NULL,"
	" first bigint NOT NULL,"
	" last bigint NOT NULL,"
	" incarnation uuid NOT NULL,"
	" state integer NOT NULL,"
	" " TENANT_COLUMN ","
	" PRIMARY KEY (key, number),"
	" UNIQUE (key, incarnation),"
	" UNIQUE (key, first, number))",

	"CREATE TABLE rows ("
	" key bigint NOT NULL,"
	" last bigint NOT NULL,"
	" first bigint NOT NULL,"
	" revision bigint NOT NULL,"
	" time_ns bigint NOT NULL,"
	" type integer NOT NULL,"
	" kind integer NOT NULL,"
	" flags integer NOT NULL,"
	" reason integer NOT NULL,"
	" checksum integer NOT NULL,"
	" " TENANT_COLUMN ","
	" payload bytea NOT NULL,"
	" PRIMARY KEY (key, last))",

	"CREATE TABLE rises ("
	" key bigint NOT NULL,"
	" revision bigint NOT NULL,"
	" ordinal bigint NOT NULL,"
	" " TENANT_COLUMN ","
	" PRIMARY KEY (key, revision))",

	"CREATE TABLE commits ("
	" key bigint NOT NULL,"
	" revision bigint NOT NULL,"
	" ordinal bigint NOT NULL,"
	" " TENANT_COLUMN ","
	" PRIMARY KEY (key, revision))",

	BOUND_TO_TENANT("heads"),
	BOUND_TO_TENANT("lives"),
	BOUND_TO_TENANT("rows"),
	BOUND_TO_TENANT("rises"),
	BOUND_TO_TENANT("commits"),
	"INSERT INTO about (marker, version) VALUES ('reprise log', 1)",
	NULL,
};

/* Archived rows have a table of their own. */
static const char *const version_2[] = {
	"CREATE TABLE archive (LIKE rows INCLUDING DEFAULTS INCLUDING INDEXES)",
	BOUND_TO_TENANT("archive"),
	"UPDATE about SET version = 2",
	NULL,
};

/* Every row has a checksum; a head knows the last rise among what was moved away. */
static const char *const version_3[] = {
	("ALTER TABLE heads ADD COLUMN moved_revision bigint NOT NULL DEFAULT 0,"
	 " ADD COLUMN moved_ordinal bigint NOT NULL DEFAULT 0,"
	 " ADD COLUMN checksum integer NOT NULL DEFAULT 0"),
	"ALTER TABLE lives ADD COLUMN checksum integer NOT NULL DEFAULT 0",
	"ALTER TABLE rises ADD COLUMN checksum integer NOT NULL DEFAULT 0",
	"ALTER TABLE commits ADD COLUMN checksum integer NOT NULL DEFAULT 0",
	"UPDATE about SET version = 3",
	NULL,
};

/*
 * Every key begins with the tenant, so that a row which another tenant has put under a key's number
 * is in nobody's way. A row without a checksum is refused from now on.
 */
#define KEY_OF_TENANT(table, columns)                           \
	"ALTER TABLE " table " DROP CONSTRAINT " table "_pkey," \
	" ADD PRIMARY KEY (tenant, key, " columns ")"

static const char *const version_4[] = {
	"ALTER TABLE heads DROP CONSTRAINT heads_id_key, ADD UNIQUE (tenant, id)",
	"ALTER TABLE lives DROP CONSTRAINT lives_key_incarnation_key,"
	" DROP CONSTRAINT lives_key_first_number_key,"
	" ADD UNIQUE (tenant, key, incarnation), ADD UNIQUE (tenant, key, first, number)",
	KEY_OF_TENANT("lives", "number"),
	KEY_OF_TENANT("rows", "last"),
	KEY_OF_TENANT("archive", "last"),
	KEY_OF_TENANT("rises", "revision"),
	KEY_OF_TENANT("commits", "revision"),
	"ALTER TABLE lives ALTER COLUMN checksum DROP DEFAULT",
	"ALTER TABLE rises ALTER COLUMN checksum DROP DEFAULT",
	"ALTER TABLE commits ALTER COLUMN checksum DROP DEFAULT",
	"UPDATE about SET version = 4",
	NULL,
};

/* A head knows the lease of its last life. Checksums of heads without a lease stay as they were. */
static const char *const version_5[] = {
	("ALTER TABLE heads ADD COLUMN lease_ns bigint NOT NULL DEFAULT 0,"
	 " ADD COLUMN lease_end_ns bigint NOT NULL DEFAULT 0"),
	"UPDATE about SET version = 5",
	NULL,
};

/* A key has blobs, which its head counts. Checksums of heads without blobs stay as they were. */
static const char *const version_6[] = {
	"ALTER TABLE heads ADD COLUMN blobs bigint NOT NULL DEFAULT 0",
	"CREATE TABLE blobs ("
	" key bigint NOT NULL,"
	" checksum integer NOT NULL,"
	" " TENANT_COLUMN ","
	" name text COLLATE \"C\" NOT NULL,"
	" bytes bytea NOT NULL,"
	" PRIMARY KEY (tenant, key, name))",
	BOUND_TO_TENANT("blobs"),
	"UPDATE about SET version = 6",
	NULL,
};

const char *const *const schema_steps[SCHEMA_VERSION + 1] = { NULL,      version_1, version_2,
							      version_3, version_4, version_5,
							      version_6 };
