/* SPDX-License-Identifier: MIT */
#include "base/error.h"
#include "base/sized.h"
#include "base/sizes.h"
#include "log/handle.h"

reprise_status
reprise_log_stats(struct reprise_log *log, const struct reprise_log_key *key,
		  struct reprise_log_stats *ret_stats, struct reprise_error *error)
{
	struct log_head head = { 0 };
	struct reprise_log_stats stats;
	reprise_status status = handle_check(log, key, error);

	if (status != REPRISE_OK)
		return status;
	if (ret_stats == NULL)
		return error_invalid(error, "ret_stats");
	status = look_begin(log, key, &head, error);
	look_end(log);
	if (status != REPRISE_OK)
		return status;
	if (head.kind == 0)
		return error_plain(error, REPRISE_E_NOT_FOUND);
	stats_fill(&stats, &head);
	if (!sized_write(ret_stats, &stats, sizeof(stats), SIZE_MIN(reprise_log_stats)))
		return error_size(error, "ret_stats: size", ret_stats, sizeof(stats));
	return REPRISE_OK;
}
