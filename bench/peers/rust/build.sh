#!/bin/sh
# SPDX-License-Identifier: MIT
# build.sh OUT_DIR: builds OUT_DIR/tokio_broadcast, OUT_DIR/tokio_window and OUT_DIR/crossbeam, offline, over the crates of
# Debian's packages librust-tokio-dev and librust-crossbeam-queue-dev; without the second a note stands in place of its peer.
# The sources are copied first, so that nothing is written beside them.
set -eu

REGISTRY=/usr/share/cargo/registry

die() {
	echo "rust: $*" >&2
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
build=$out/rust-build

mkdir -p "$build/.cargo" || die "no folder $build"
rm -rf "$build/src" "$build/Cargo.lock"
cp -Rp "$here/Cargo.toml" "$here/src" "$build" || die "cannot copy the sources"
programs='tokio_broadcast tokio_window crossbeam'
rm -f "$out/crossbeam.absent"
if ! ls -d "$REGISTRY"/crossbeam-queue-[0-9]* >/dev/null 2>&1; then
	programs='tokio_broadcast tokio_window'
	rm -f "$out/crossbeam"
	echo "rust: no crate crossbeam-queue in $REGISTRY (librust-crossbeam-queue-dev)" >"$out/crossbeam.absent"
	sed -i -e '/^\[\[bin\]\]$/{N;/"crossbeam"/{N;d;};}' -e '/^crossbeam/d' "$build/Cargo.toml"
fi
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
# version_of CRATE
version_of() {
	sed -n '/^name = "'"$1"'"$/{n;s/^version = "\(.*\)"$/\1/p;}' Cargo.lock
}
TOKIO_VERSION=$(version_of tokio)
CROSSBEAM_VERSION=$(version_of crossbeam-queue)
export TOKIO_VERSION CROSSBEAM_VERSION
cargo build --release --offline || die "cargo cannot build it"
for program in $programs; do
	install -m 755 "target/release/$program" "$out/$program" || die "cannot install $program"
done
