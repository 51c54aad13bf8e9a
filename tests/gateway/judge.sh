#!/bin/sh
# SPDX-License-Identifier: MIT
# Starts `reprise serve` in several settings, and has judge.py judge the responses of every route and every error.
# Usage: judge.sh BUILD
here=$(cd "$(dirname "$0")" && pwd)
program=$1/reprise

# Debian's Python has Debian's packages.
python=/usr/bin/python3
if [ ! -x $python ] || ! $python -c 'import h11' 2>/dev/null; then
	echo 'python3-h11 is not installed' >&2
	exit 77
fi
if ! "$program" serve --help >/dev/null 2>&1; then
	echo 'this build has no gateway' >&2
	exit 77
fi
exec $python "$here/judge.py" "$program"
