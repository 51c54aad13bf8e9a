#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs an arm64 program under qemu-user, with the libraries of the sysroot; emulate.c does the same for what it executes.
# Usage: emulate.sh PROGRAM [ARGUMENT ...]
here=$(cd "$(dirname "$0")/../../build/cross" && pwd) || exit 1
QEMU_LD_PREFIX=$here/sysroot
QEMU_SET_ENV=LD_PRELOAD=$here/emulate.so
REPRISE_EMULATOR=$(command -v qemu-aarch64) || { echo "emulate: no qemu-aarch64" >&2; exit 1; }
export QEMU_LD_PREFIX QEMU_SET_ENV REPRISE_EMULATOR
exec "$REPRISE_EMULATOR" "$@"
