#!/bin/sh
# SPDX-License-Identifier: MIT
# Unpacks Debian's development packages of another architecture, with all that they depend on, into a folder that a
# cross compiler takes for its root. apt works with an index and a cache of its own below the folder, from the
# machine's own sources, and the machine's packages stay as they are. A folder that holds the packages is left alone.
# Usage: sysroot.sh FOLDER ARCHITECTURE PACKAGE ...
set -eu
folder=$1 architecture=$2
shift 2
stamp="$architecture $*"
if [ "$(cat "$folder/.packages" 2>/dev/null)" = "$stamp" ]; then
	exit 0
fi
rm -rf "$folder"
mkdir -p "$folder/apt/state/lists/partial" "$folder/apt/cache/archives/partial"
: >"$folder/apt/status" # no package is installed there
apt() {
	apt-get -qq -o Dir::State="$folder/apt/state" -o Dir::State::status="$folder/apt/status" \
		-o Dir::Cache="$folder/apt/cache" -o APT::Architecture="$architecture" \
		-o APT::Architectures::="$architecture" -o APT::Sandbox::User="$(id -un)" \
		-o Debug::NoLocking=1 "$@"
}
folder=$(cd "$folder" && pwd)
apt update
apt install -y --no-install-recommends --download-only "$@"
for package in "$folder"/apt/cache/archives/*.deb; do
	dpkg-deb -x "$package" "$folder"
done
rm -rf "$folder/apt"

# A link to an absolute name would lead out of the folder.
find "$folder" -type l -lname '/*' | while read -r link; do
	target=$(readlink "$link")
	ln -sfn "$(realpath -m --relative-to="$(dirname "$link")" "$folder$target")" "$link"
done
echo "$stamp" >"$folder/.packages"
