#!/bin/sh
# SPDX-License-Identifier: MIT
# V83, V84: `reprise run` on a terminal.
# Usage: tool_run_terminal.sh PROGRAM
command -v python3 >/dev/null || { echo 'tool: python3 is not installed'; exit 77; }
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
timeout 100 python3 "$(dirname "$0")/tool_run_terminal.py" "$1" "$scratch"
