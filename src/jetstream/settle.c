/* SPDX-License-Identifier: MIT */
#include "jetstream/settle.h"

#include "base/numbers.h"
#include "jetstream/dead.h"
#include "jetstream/request.h"

reprise_status
settle_dead(struct reprise_jetstream *writer, const struct gathering *gathering, uint64_t *ret_dead,
	    struct reprise_error *error)
{
	reprise_status status = REPRISE_OK;

	for (size_t i = 0; i < gathering->count && status == REPRISE_OK; i++) {
		const struct gathered *const item = &gathering->items[i];
		bool is_new = false;

		if (item->fate != FATE_BURY)
			continue;
		status = dead_bury(writer, &item->fetched, item->reason, writer_due(writer),
				   &is_new, error);
		*ret_dead += is_new;
	}
	return status;
}

void
settle_applied(struct reprise_jetstream *writer, const char *subject,
	       const struct gathering *gathering)
{
	if (gathering->count > 1)
		(void)request_purge(writer, subject,
				    gathering->items[gathering->count - 1].fetched.sequence,
				    writer_due(writer), NULL);
}

/* Dead letters of the document count: they are not lost. */
static bool
is_counted(const struct gathered *item)
{
	return item->fate == FATE_APPLY || (item->fate == FATE_BURY && item->is_delta);
}

void
settle_missing(const struct gathering *gathering, uint64_t stored, struct missing *ret_missing)
{
	struct missing missing = { 0 };
	uint64_t last = 0, version = stored;

	for (size_t i = 0; i < gathering->count; i++)
		if (is_counted(&gathering->items[i])) {
			last = greatest(last, gathering->items[i].version);
			version++;
		}
	*ret_missing = missing;
	if (last <= version)
		return;
	missing.count = last - version;
	version = stored;
	for (size_t i = 0; i < gathering->count; i++) {
		const struct gathered *const item = &gathering->items[i];

		if (!is_counted(item))
			continue;
		version++;
		if (item->version <= version)
			continue;
		if (missing.from == 0)
			missing.from = version;
		missing.to = item->version - 1;
		version = item->version;
	}
	*ret_missing = missing;
}
