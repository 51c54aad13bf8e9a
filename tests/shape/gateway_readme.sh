#!/bin/sh
# SPDX-License-Identifier: MIT
# The reference of the HTTP interface names every error code, every parameter and every member of a session of the source.
#
# Usage: gateway_readme.sh PROJECT
set -eu
cd "$1"
page=src/gateway/README.md
failed=0
names=$(sed -n 's/^\tX([A-Z_]*, [0-9]*, "\([a-z_]*\)".*/`\1`/p' src/gateway/errors.h
	sed -n 's/^\tX([A-Z_]*, "\([A-Za-z_]*\)").*/\1/p' src/gateway/query.h
	grep -oE '[,{]\\"[a-z_]+\\":' src/gateway/session_entry.c src/gateway/sessions.c | sed 's/.*\\"\([a-z_]*\)\\":/`\1`/')
[ "$(printf '%s\n' "$names" | wc -l)" -ge 75 ] || {
	echo "shape: the tables of src/gateway are not where this test looks" >&2
	exit 1
}
for name in $names; do
	grep -qF -- "$name" "$page" || {
		echo "shape: $page does not name $name" >&2
		failed=1
	}
done
exit $failed
