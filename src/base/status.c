/* SPDX-License-Identifier: MIT */
#include <reprise/base.h>

#include "base/names.h"

#ifndef REPRISE_VERSION
#error "the build names the version"
#endif

const char *
reprise_status_name(reprise_status status)
{
	switch (status) {
#define STATUS_NAME(name, value, sentence) \
	case REPRISE_##name:               \
		return "REPRISE_" #name;
		REPRISE_STATUS_TABLE(STATUS_NAME)
#undef STATUS_NAME
	}
	return "unknown status";
}

const char *
reprise_status_text(reprise_status status)
{
	switch (status) {
#define STATUS_TEXT(name, value, sentence) \
	case REPRISE_##name:               \
		return sentence;
		REPRISE_STATUS_TABLE(STATUS_TEXT)
#undef STATUS_TEXT
	}
	return "unknown status";
}

NAMES_DEFINE(reprise_durability, REPRISE_DURABILITY_TABLE)

const char *
reprise_version(void)
{
	return REPRISE_VERSION;
}
