#!/bin/sh
# SPDX-License-Identifier: MIT
# build.sh OUT_DIR: builds OUT_DIR/tokio_broadcast and OUT_DIR/tokio_window, offline, over the tokio of Debian's package
# librust-tokio-dev. The sources are copied first, so that nothing is written beside them.
set -eu

REGISTRY=/usr/share/cargo/registry

die() {
	echo "tokio: $*" >&2
	exit 1
}

[ $# -eq 1 ] || die "usage: build.sh OUT_DIR"
command -v cargo >/dev/null || die "no cargo"
command -v rustc >/dev/null || die "no rustc"
for crate in tokio libc; do
	ls -d "$REGISTRY/$crate"-[0-9]* >/dev/null 2>&1 || die "no crate $crate in $REGISTRY (librust-tokio-dev)"
done

here=$(cd "$(dirname "$0")" && pwd) || die "no folder of its own"
mkdir -p "$1" || die "no folder $1"
out=$(cd "$1" && pwd) || die "no folder $1"
build=$out/tokio-build

mkdir -p "$build/.cargo" || die "no folder $build"
rm -rf "$build/src" "$build/Cargo.lock"
cp -Rp "$here/Cargo.toml" "$here/src" "$build" || die "cannot copy the sources"
cat >"$build/.cargo/config.toml" <<END
[source.crates-io]
replace-with = "debian"

[source.debian]
directory = "$REGISTRY"
END

# Nothing of the user's own settings.
export CARGO_HOME="$build/home" CARGO_TARGET_DIR="$build/target"
unset CARGO_BUILD_TARGET CARGO_BUILD_RUSTFLAGS CARGO_ENCODED_RUSTFLAGS RUSTFLAGS RUSTC_WRAPPER
cd "$build"
cargo generate-lockfile --offline || die "a crate is missing (librust-tokio-dev)"
TOKIO_VERSION=$(sed -n '/^name = "tokio"$/{n;s/^version = "\(.*\)"$/\1/p;}' Cargo.lock)
export TOKIO_VERSION
cargo build --release --offline || die "cargo cannot build it"
for program in tokio_broadcast tokio_window; do
	install -m 755 "target/release/$program" "$out/$program" || die "cannot install $program"
done
