/* SPDX-License-Identifier: MIT */
#ifndef BASE_NAMES_H
#define BASE_NAMES_H

/*
 * The functions that name the constants of a public enum, from the table of the enum (rule X15). A
 * switch has no default, so the compiler compares the table with the enum; a value of neither is
 * "unknown".
 *
 * The columns of a table are the constant, its value, its name and its sentence.
 */
#define NAMES_CASE_NAME(constant, value, name, sentence) \
	case constant:                                   \
		return name;
#define NAMES_CASE_TEXT(constant, value, name, sentence) \
	case constant:                                   \
		return sentence;

#define NAMES_DEFINE(type, TABLE)              \
	const char *type##_name(type value)    \
	{                                      \
		switch (value) {               \
			TABLE(NAMES_CASE_NAME) \
		}                              \
		return "unknown";              \
	}                                      \
	const char *type##_text(type value)    \
	{                                      \
		switch (value) {               \
			TABLE(NAMES_CASE_TEXT) \
		}                              \
		return "unknown";              \
	}

#endif /* BASE_NAMES_H */
