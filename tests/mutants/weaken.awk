# SPDX-License-Identifier: MIT
# Every order in a source file, weakened by one step, one at a time.
# Prints: NAME <tab> FILE <tab> SED EXPRESSION
# NAME begins with the label of the ordering ledger that stands before, if there is one.
BEGIN {
	weaker["load_acquire"] = "load_relaxed"
	weaker["store_release"] = "store_relaxed"
	weaker["exchange_acquire"] = "exchange_relaxed"
	weaker["exchange_release"] = "exchange_relaxed"
	weaker["fetch_sub_release"] = "fetch_sub_relaxed"
	weaker["fetch_add_release"] = "fetch_add_relaxed"
	weaker["fetch_or_acquire"] = "fetch_or_relaxed"
	weaker["fetch_and_release"] = "fetch_and_relaxed"
	weaker["compare_exchange_acquire"] = "compare_exchange_relaxed"
	weaker["compare_exchange_release"] = "compare_exchange_relaxed"
	weaker["fence_ordered"] = "fence_acq_rel"
	weaker["fence_acquire"] = "-"
	weaker["fence_release"] = "-"
	weaker["fence_compiler"] = "-"
}
# An order that is not in that list would go untested.
/(_acq_rel|_ordered|_seq_cst|_acquire|_release)\(|memory_order_/ && !/^[ \t]*(\/?\*|#define)/ {
	if (match($0, /[a-z_]+_(acq_rel|ordered|seq_cst|acquire|release)\(|memory_order_/)) {
		word = substr($0, RSTART, RLENGTH - ($0 ~ /memory_order_/ ? 0 : 1))
		if (!(word in weaker)) {
			print "weaken: " FILENAME ":" FNR ": no weaker " word >"/dev/stderr"
			exit 1
		}
	}
}
FNR == 1 { label_line = 0 }
{
	if (match($0, /\[[a-z_]+:[A-Z]\]/) && $0 ~ /^[ \t]*(\/\*|\*) \[/) {
		label = substr($0, RSTART + 1, RLENGTH - 2)
		label_line = FNR
	}
	if ($0 ~ /^[ \t]*(\/?\*|#define)/)
		next
	file = FILENAME
	rest = $0
	while (match(rest, /[a-z_]+/)) {
		word = substr(rest, RSTART, RLENGTH)
		rest = substr(rest, RSTART + RLENGTH)
		if (!(word in weaker) || (word !~ /^memory_order/ && rest !~ /^\(/))
			continue
		seen[FNR, word]++
		count = split(weaker[word], to, " ")
		for (i = 1; i <= count; i++) {
			name = (label_line && FNR - label_line < 8 ? label " " : "") file ":" FNR \
				" " word " -> " (to[i] == "-" ? "nothing" : to[i])
			if (to[i] == "-")
				edit = "s/" word "\\(\\)/(void)0/" seen[FNR, word]
			else
				edit = "s/\\b" word "\\b/" to[i] "/" seen[FNR, word]
			printf "%s\t%s\t%d%s\n", name, file, FNR, edit
		}
	}
}
