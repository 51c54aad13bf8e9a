/* SPDX-License-Identifier: MIT */
#ifndef STORE_REFUSE_H
#define STORE_REFUSE_H

#include "store/session.h"

/*
 * Whether @count records of @bytes in all can come without displacing what is not recorded. The
 * writer's; of a session that refuses.
 */
bool refuse_has_room(struct reprise_session *session, uint64_t bytes, uint64_t count);

#endif /* STORE_REFUSE_H */
