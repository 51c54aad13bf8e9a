/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "log_postgres/postgres.h"

enum {
	IS_BOUND,
	TENANT,
};

/* The answer's tenant; false: it is too long for a name. */
static bool
take_tenant(const PGresult *answer, char ret_tenant[LOG_NAME_BYTES], bool *ret_is_there)
{
	const size_t bytes = (size_t)PQgetlength(answer, 0, TENANT);

	*ret_is_there = PQgetisnull(answer, 0, TENANT) == 0;
	if (bytes >= LOG_NAME_BYTES)
		return false;
	memcpy(ret_tenant, PQgetvalue(answer, 0, TENANT), bytes);
	ret_tenant[bytes] = '\0';
	return true;
}

/* No tenant is set for the transaction: a role that is bound to one sees none. */
reprise_status
tenants_find(struct reprise_log *log, const char *after, char ret_tenant[LOG_NAME_BYTES],
	     bool *ret_is_there, struct reprise_error *error)
{
	struct postgres *const postgres = postgres_of(log);
	struct values values = { 0 };
	PGresult *answer = NULL;
	reprise_status status = connect_again(postgres, error);

	if (status != REPRISE_OK)
		return status;
	value_text(&values, after);
	(void)send_statement(postgres, BEGIN_READING, NULL);
	(void)send_statement(postgres, TENANT_AFTER, &values);
	status = wire_ask(&postgres->wire, &answer, error);
	if (status == REPRISE_OK) {
		const bool is_bound = number_at(answer, 0, IS_BOUND) != 0;
		const bool is_good = take_tenant(answer, ret_tenant, ret_is_there);

		PQclear(answer);
		if (is_bound)
			status = error_detailed(error, REPRISE_E_INVALID, "role",
						"row-level security binds it to one tenant; a role"
						" with BYPASSRLS sees all");
		else if (!is_good)
			status = error_detailed(error, REPRISE_E_CORRUPT, "a tenant's name", NULL);
	}
	find_end(log);
	return status;
}
