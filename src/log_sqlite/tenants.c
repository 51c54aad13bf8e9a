/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/error.h"
#include "log_sqlite/connection.h"

reprise_status
sqlite_tenant_after(struct reprise_log *log, const char *after, char ret_tenant[LOG_NAME_BYTES],
		    bool *ret_is_there, struct reprise_error *error)
{
	struct connection *const connection = connection_of(log);
	bool is_good = true;

	connection_start(connection);
	const reprise_status refreshed = connection_refresh(connection, error);

	if (refreshed != REPRISE_OK)
		return refreshed;
	struct binding binding = statement_start(connection, STATEMENT_TENANT_AFTER);

	bind_text(&binding, after);
	*ret_is_there = statement_step(&binding) == SQLITE_ROW;
	if (*ret_is_there) {
		const void *const tenant = sqlite3_column_text(binding.statement, 0);
		const size_t bytes = (size_t)sqlite3_column_bytes(binding.statement, 0);

		is_good = tenant != NULL && bytes < LOG_NAME_BYTES;
		if (is_good)
			memcpy(ret_tenant, tenant, bytes + 1);
	}
	const reprise_status status = statement_end(connection, &binding, error);

	if (status == REPRISE_OK && !is_good)
		return error_detailed(error, REPRISE_E_CORRUPT, "a tenant's name", NULL);
	return status;
}
