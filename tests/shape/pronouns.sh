#!/bin/sh
# SPDX-License-Identifier: MIT
# How often a comment leaves out the noun: the pronouns and free relatives per 100 words of comment, of the public headers
# and of src. Each figure may only go down: pronouns.txt has the greatest that is allowed.
# Usage: pronouns.sh PROJECT [FILE]   (FILE instead of tests/shape/pronouns.txt)
cd "$1" || exit 1
recorded=${2:-tests/shape/pronouns.txt}

# The lines of comments, as words: lines that begin with /*, * or //.
share() {
	find "$1" -name '*.[ch]' -o -name '*.hpp' | LC_ALL=C sort | xargs cat | awk '
	BEGIN {
		count = split("it its that who whoever what which they those one others else", listed, " ")
		for (i = 1; i <= count; i++)
			is_pronoun[listed[i]] = 1
	}
	/^[ \t]*(\/\*|\*|\/\/)/ && !/SPDX-License-Identifier/ {
		line = tolower($0)
		gsub(/[^a-z_@'"'"']+/, " ", line)
		found = split(line, parts, " ")
		for (i = 1; i <= found; i++) {
			words++
			pronouns += parts[i] in is_pronoun
		}
	}
	END { printf "%.2f\n", words ? 100 * pronouns / words : 0 }'
}

status=0
while read -r folder most; do
	found=$(share "$folder")
	echo "pronouns in 100 words of comment: $folder $found (at most $most)"
	if awk "BEGIN { exit !($found > $most) }"; then
		echo "shape: the comments of $folder leave out more nouns than before"
		status=1
	fi
done <"$recorded"
exit $status
