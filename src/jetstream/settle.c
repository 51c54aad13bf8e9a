/* SPDX-License-Identifier: MIT */
#include "jetstream/settle.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/numbers.h"
#include "jetstream/dead.h"
#include "jetstream/request.h"

bool
settle_goes_on(struct reprise_jetstream *writer, reprise_status status, uint64_t due_ns)
{
	const uint64_t soon_ns = clock_ns() + writer->settings.deadline_ns / 4;
	uint64_t newest = 0;

	if (status == REPRISE_E_NO_MEMORY || load_acquire(&writer->is_connected) == 0)
		return false;
	return ms_until(due_ns) > 0 || request_newest(writer, soon_ns, &newest, NULL) == REPRISE_OK;
}

static reprise_status
bury_one(struct reprise_jetstream *writer, struct gathered *item, struct burials *burials,
	 struct reprise_error *error)
{
	struct reprise_error why = { .size = sizeof(why) };
	const uint64_t due_ns = writer_due(writer);
	bool is_new = false;
	const reprise_status status =
		dead_bury(writer, &item->fetched, item->reason, due_ns, &is_new, &why);

	burials->dead += is_new;
	if (status == REPRISE_OK)
		return REPRISE_OK;
	if (!settle_goes_on(writer, status, due_ns))
		return error_copy(error, &why);
	item->fate = FATE_LEAVE;
	burials->is_over = ms_until(due_ns) == 0;
	if (burials->failure == REPRISE_OK) {
		burials->failure = status;
		burials->why = why;
	}
	return REPRISE_OK;
}

reprise_status
settle_dead(struct reprise_jetstream *writer, struct gathering *gathering, struct burials *burials,
	    struct reprise_error *error)
{
	reprise_status status = REPRISE_OK;

	for (size_t i = 0; i < gathering->count && status == REPRISE_OK; i++) {
		struct gathered *const item = &gathering->items[i];

		if (item->fate != FATE_BURY)
			continue;
		if (!burials->is_over) {
			status = bury_one(writer, item, burials, error);
			continue;
		}
		item->fate = FATE_LEAVE;
		burials->why.size = sizeof(burials->why);
		if (burials->failure == REPRISE_OK)
			burials->failure =
				error_detailed(&burials->why, REPRISE_E_IO, "server",
					       "the server did not answer for the dead letters");
	}
	return status;
}

/* Applied messages behind one that is left are dropped one by one. */
static void
drop_behind(struct reprise_jetstream *writer, const struct gathering *gathering, size_t left)
{
	const uint64_t due_ns = writer_due(writer);

	for (size_t i = left; i + 1 < gathering->count && ms_until(due_ns) > 0; i++) {
		const struct gathered *const item = &gathering->items[i];

		if (item->fate == FATE_APPLY || item->fate == FATE_SKIP)
			(void)request_drop(writer, writer->settings.stream, item->fetched.sequence,
					   due_ns, NULL);
	}
}

void
settle_applied(struct reprise_jetstream *writer, const char *subject,
	       const struct gathering *gathering)
{
	size_t left = 0;

	if (gathering->count < 2)
		return;
	while (left + 1 < gathering->count && gathering->items[left].fate != FATE_LEAVE)
		left++;
	(void)request_purge(writer, subject, gathering->items[left].fetched.sequence,
			    writer_due(writer), NULL);
	drop_behind(writer, gathering, left);
}

/* Dead letters of the document count: they are not lost. */
static bool
is_counted(const struct gathered *item)
{
	return item->fate == FATE_APPLY ||
	       ((item->fate == FATE_BURY || item->fate == FATE_LEAVE) && item->is_delta);
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
