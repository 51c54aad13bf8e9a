/* SPDX-License-Identifier: MIT */
#include <reprise/jetstream.h>

#include <stdlib.h>
#include <string.h>

#include "base/cancel.h"
#include "base/error.h"
#include "base/numbers.h"
#include "jetstream/gather.h"
#include "jetstream/head.h"
#include "jetstream/prepare.h"
#include "jetstream/request.h"
#include "jetstream/settle.h"

/* The arguments of a save, and what is gathered for it. */
struct save {
	struct reprise_jetstream *writer;
	const char *id;
	const uint64_t *expected_version;
	struct reprise_bytes document;
	uint64_t through;
	uint64_t version;
	char subject[SUBJECT_ROOM];
	struct head head;
	struct gathering gathering;
};

static size_t
fill_settled(const struct gathering *gathering, struct reprise_thread_settled *settled)
{
	size_t count = 0;

	for (size_t i = 0; i < gathering->count; i++) {
		const struct gathered *const item = &gathering->items[i];

		if (item->fate != FATE_APPLY)
			continue;
		settled[count].delta_id = item->id;
		memcpy(settled[count].digest, item->digest, sizeof(settled[count].digest));
		count++;
	}
	return count;
}

/*
 * With the version of the head whose uid the messages were compared with: the store would take the
 * ids for those of a document that was created meanwhile.
 */
static reprise_status
save_settled(struct save *save, struct reprise_error *error)
{
	const uint64_t *const version =
		save->expected_version != NULL ? save->expected_version : &save->head.version;
	struct reprise_thread_settled *const settled =
		calloc(save->gathering.count + 1, sizeof(*settled));

	if (settled == NULL)
		return error_plain(error, REPRISE_E_NO_MEMORY);
	const size_t count = fill_settled(&save->gathering, settled);
	const reprise_status status =
		reprise_thread_save(save->writer->store, save->id, version, save->document, settled,
				    count, &save->version, error);

	free(settled);
	return status;
}

static reprise_status
try_save(struct save *save, struct reprise_error *error)
{
	struct reprise_jetstream *const writer = save->writer;
	struct gather_what what = { .subject = save->subject };
	struct burials burials = { 0 };
	reprise_status status = request_last_sequence(writer, save->subject, writer_due(writer),
						      &what.through, error);

	if (status == REPRISE_OK)
		status = head_read(writer->store, save->id, 0, &save->head, error);
	if (status != REPRISE_OK)
		return status;
	what.through = least(what.through, save->through);
	what.uid = save->head.uid;
	status = gather(writer, &what, &save->gathering, error);
	if (status == REPRISE_OK && save->gathering.is_cut)
		status = error_detailed(
			error, REPRISE_E_TOO_LARGE, "through",
			"too many deltas for one save; call reprise_jetstream_flush first");
	if (status == REPRISE_OK)
		status = settle_dead(writer, &save->gathering, &burials, error);
	if (status == REPRISE_OK)
		status = save_settled(save, error);
	if (status == REPRISE_OK)
		settle_applied(writer, save->subject, &save->gathering);
	return status;
}

static reprise_status
save_held(struct save *save, struct reprise_error *error)
{
	struct reprise_jetstream *const writer = save->writer;
	const uint64_t due_ns = writer_due(writer);
	reprise_status status;

	if (save->through == 0) {
		/* Nothing is saved by a writer that could not tell what is buffered. */
		uint64_t last = 0;

		status = request_last_sequence(writer, save->subject, due_ns, &last, error);
		return status == REPRISE_OK
			       ? reprise_thread_save(writer->store, save->id,
						     save->expected_version, save->document, NULL,
						     0, &save->version, error)
			       : status;
	}
	do {
		status = try_save(save, error);
		gathering_free(&save->gathering);
	} while (status == REPRISE_E_CONFLICT && save->expected_version == NULL &&
		 ms_until(due_ns) > 0);
	return status;
}

reprise_status
reprise_jetstream_save(struct reprise_jetstream *writer, const char *id,
		       const uint64_t *expected_version, struct reprise_bytes document,
		       uint64_t through, uint64_t *ret_version, struct reprise_error *error)
{
	struct save save = { .writer = writer,
			     .id = id,
			     .expected_version = expected_version,
			     .document = document,
			     .through = through };
	struct view *view = NULL;
	UNCANCELLABLE;
	reprise_status status = writer_check(writer, error);

	if (status == REPRISE_OK)
		status = prepare_id(writer, id, error);
	if (status != REPRISE_OK)
		return status;
	const uint64_t due_ns = writer_due(writer);

	writer_subject(writer, id, save.subject);
	status = view_hold(writer, id, due_ns, &view, NULL, error);
	if (status != REPRISE_OK)
		return status;
	status = view_drain(writer, view, due_ns, error);
	if (status == REPRISE_OK)
		status = save_held(&save, error);
	view_forget(view);
	view_release(writer, view);
	if (status == REPRISE_OK && ret_version != NULL)
		*ret_version = save.version;
	return status;
}
