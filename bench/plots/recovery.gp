# SPDX-License-Identifier: MIT
# The cost of recovering a conversation against the length of its history: from the first event, and from a snapshot.
load plots.'/common.gp'
set title 'Recovering a conversation'
set xlabel 'events in the log (log)'
set ylabel 'one recovery (ms, median; log)'
set logscale x 10
set logscale y 10
set yrange [0.1:*]
set key inside right bottom
set terminal svg size 900,520 background 'white'
set output svg('recovery')
plot for [c in curves] sprintf('%s/recovery.%s.dat', dir, c) using 1:2 with linespoints \
	pointtype 7 pointsize 0.5 linecolor rgb (c eq 'snapshot' ? '#d62728' : '#7f7f7f') linewidth 2 \
	title (c eq 'snapshot' ? 'from a snapshot and 500 events since' : 'from the first event') noenhanced
set terminal pngcairo size 900,520 background 'white'
set output png('recovery')
replot
