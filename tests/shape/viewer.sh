#!/bin/sh
# SPDX-License-Identifier: MIT
# V97 and V98: the files of the viewer are small, ask no other place, and have nothing that the page's policy forbids.
# screens/ has the pictures of README.md, which are not embedded.
# The build embeds the bytes as they are, whatever the folder is called, and the same bytes again.
# Usage: viewer.sh PROJECT CC CMAKE
set -u
cd "$1" || exit 1
cc=$2 cmake=$3
folder=src/gateway/viewer
bytes_max=40960
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
bad=0
fail() { echo "shape: $*"; bad=1; }

files=$(ls $folder/*.html $folder/*.css $folder/*.js $folder/*.svg 2>/dev/null)
[ "$(echo "$files" | wc -l)" -ge 3 ] || fail "$folder does not have its files"
[ "$(echo "$files" | wc -l)" = "$(find $folder -mindepth 1 ! -path "$folder/screens*" | wc -l)" ] || fail "$folder has files that are not embedded"
# shellcheck disable=SC2086 # our names have no spaces
bytes=$(cat $files | wc -c)
[ "$bytes" -le $bytes_max ] || fail "the viewer has $bytes bytes, more than $bytes_max"

# FOLDER: what no file may have, as FILE:LINE:TEXT. Comments on lines of their own may have addresses.
faults() {
	grep -nE 'https?://|[^:]//[a-z]+\.[a-z]' "$1"/*.html "$1"/*.css "$1"/*.js /dev/null |
		grep -vE '^[^:]*:[0-9]+:[[:space:]]*(//|/\*|\*|<!--)' | grep -vE 'https?://www\.w3\.org/[0-9]{4}/'
	grep -niE '<style|[[:space:]]style=|[[:space:]]on[a-z]+=|javascript:|<base|[[:space:]](form)?action=|<iframe' "$1"/*.html /dev/null
	grep -niE '<script' "$1"/*.html /dev/null | grep -vE '[[:space:]]src=["a-z]'
	grep -nE 'eval\(|new Function|innerHTML|outerHTML|insertAdjacentHTML|document\.write|srcdoc|setAttribute\("(style|on)|set(Timeout|Interval)\("' \
		"$1"/*.js /dev/null
	grep -niE '@import|url\(' "$1"/*.css /dev/null
}
faults $folder >"$scratch/faults"
[ ! -s "$scratch/faults" ] || { fail 'the page asks elsewhere, or has what its policy forbids:'; cat "$scratch/faults"; }

# Each fault is found.
mkdir "$scratch/sample"
sample() {
	echo 'p { color: red; }' >"$scratch/sample/a.css"
	echo '// see https://a.example' >"$scratch/sample/a.js"
	echo 'const svg = "http://www.w3.org/2000/svg";' >>"$scratch/sample/a.js"
	echo '<script type="module" src="a.js"></script>' >"$scratch/sample/a.html"
}
sample
[ -z "$(faults "$scratch/sample")" ] || fail "a good file is refused: $(faults "$scratch/sample")"
while IFS='|' read -r name text; do
	sample
	printf '%s\n' "$text" >>"$scratch/sample/$name"
	[ -n "$(faults "$scratch/sample")" ] || fail "not found in a file of the viewer: $text"
done <<'FAULTS'
a.html|<link href="https://cdn.example/a.css">
a.html|<script>run()</script>
a.html|<script type="module">run()</script>
a.html|<p style="color: red">
a.html|<button onclick="run()">
a.html|<form action="/v1/sessions">
a.html|<style>p { color: red; }</style>
a.js|fetch("http://a.example/")
a.js|fetch("//a.example/")
a.js|eval(text)
a.js|element.innerHTML = text
a.js|element.setAttribute("style", text)
a.css|@import "b.css";
a.css|p { background: url(b.png); }
FAULTS

# Embedding: any bytes, an empty file, a folder with a space, and the same C file for the same files.
place="$scratch/a folder"
mkdir "$place"
awk 'BEGIN { for (i = 0; i < 256; i++) printf "%c", i }' >"$place/bytes.js"
printf '\000\377\r\n' >>"$place/bytes.js"
: >"$place/empty.css"
printf 'x' >"$place/one.html"
printf 'bytes.js\nempty.css\none.html\n' >"$place/list"
embed() { "$cmake" "-DFOLDER=$place" "-DLIST=$place/list" "-DOUT=$1" -P src/gateway/embed.cmake; }
{ embed "$place/one.c" && embed "$scratch/two.c"; } || fail 'nothing was embedded'
cmp "$place/one.c" "$scratch/two.c" || fail 'the same files make another C file'
cat >"$scratch/main.c" <<'MAIN'
#include <stdio.h>
#include <string.h>
#include "gateway/viewer.h"
int main(int argc, char **argv)
{
	(void)argc;
	for (size_t i = 0; i < viewer_files_count; i++)
		if (strcmp(viewer_files[i].name, argv[1]) == 0)
			return fwrite(viewer_files[i].bytes.data, 1, viewer_files[i].bytes.size, stdout) !=
			       viewer_files[i].bytes.size;
	return 1;
}
MAIN
"$cc" -std=c11 -Wall -Wextra -Wpedantic -Wconversion -Werror -Isrc -Iinclude -o "$scratch/main" "$scratch/main.c" "$place/one.c" ||
	fail 'the C file does not build'
for name in bytes.js empty.css one.html; do
	{ "$scratch/main" $name >"$scratch/out" && cmp "$scratch/out" "$place/$name"; } || fail "$name is not embedded as it is"
done
[ "$(grep -oE '"\\"[0-9a-f]{32}\\""' "$place/one.c" | sort -u | wc -l)" = 3 ] || fail 'two files have one tag'
printf 'a name.js\n' >"$place/list"
! embed "$scratch/two.c" 2>/dev/null || fail 'a bad name is embedded'
exit $bad
