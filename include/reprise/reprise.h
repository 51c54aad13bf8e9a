/* SPDX-License-Identifier: MIT */
#ifndef REPRISE_REPRISE_H
#define REPRISE_REPRISE_H

/* reprise/reprise.h - everything: append to a session, subscribe after what was seen, next */

#include <reprise/base.h>
#include <reprise/cursor.h>
#include <reprise/gap.h>
#include <reprise/group.h>
#include <reprise/into.h>
#include <reprise/lag.h>
#include <reprise/once.h>
#include <reprise/outcome.h>
#include <reprise/session.h>
#include <reprise/sessions.h>
#include <reprise/store.h>
#include <reprise/subscription.h>
#include <reprise/writer.h>

#endif /* REPRISE_REPRISE_H */
