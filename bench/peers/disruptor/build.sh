#!/bin/sh
# SPDX-License-Identifier: MIT
# build.sh OUT_DIR: builds OUT_DIR/disruptor, over Debian's libdisruptor-java.
set -eu

JARS=/usr/share/java

die() {
	echo "disruptor: $*" >&2
	exit 1
}

[ $# -eq 1 ] || die "usage: build.sh OUT_DIR"
command -v java >/dev/null || die "no java (openjdk-17-jre-headless)"
command -v javac >/dev/null || die "no javac (openjdk-17-jdk-headless)"
command -v taskset >/dev/null || die "no taskset (util-linux)"
jar=$(ls "$JARS"/disruptor-[0-9]*.jar 2>/dev/null | head -n 1)
[ -n "$jar" ] || die "no disruptor in $JARS (libdisruptor-java)"
version=${jar##*/disruptor-}
version=${version%.jar}

here=$(cd "$(dirname "$0")" && pwd) || die "no folder of its own"
mkdir -p "$1" || die "no folder $1"
out=$(cd "$1" && pwd) || die "no folder $1"

rm -rf "$out/disruptor-classes"
mkdir "$out/disruptor-classes" || die "no folder $out/disruptor-classes"
javac -cp "$jar" -d "$out/disruptor-classes" "$here"/*.java || die "javac cannot build it"
cat >"$out/disruptor" <<END || die "cannot write $out/disruptor"
#!/bin/sh
here=\$(cd "\$(dirname "\$0")" && pwd) || exit 1
exec java -Xms512m -Xmx512m -XX:+UseSerialGC -XX:-UsePerfData -Ddisruptor.version=$version \\
	-cp "\$here/disruptor-classes:$jar" Disruptor
END
chmod 755 "$out/disruptor" || die "cannot make $out/disruptor executable"
