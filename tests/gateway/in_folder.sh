#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs a program with a scratch folder as its second argument, and removes the folder.
# Usage: in_folder.sh COMMAND PROGRAM ARGUMENT ...   runs: COMMAND PROGRAM FOLDER ARGUMENT ...
command=$1 program=$2
shift 2
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
trap 'exit 1' INT TERM
"$command" "$program" "$folder" "$@"
