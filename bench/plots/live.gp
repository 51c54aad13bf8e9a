# SPDX-License-Identifier: MIT
# From an event's intended time until a polling host has it, at 100,000 events a second.
load plots.'/common.gp'
set title 'Appended to seen: one polling host, 256 B, 100,000 events/s'
set xlabel 'percentile'
set ylabel 'since the intended time (ns; log)'
set logscale x 10
set logscale y 10
set xrange [1:100000]
set xtics ('0' 1, '90' 10, '99' 100, '99.9' 1000, '99.99' 10000, '99.999' 100000)
set terminal svg size 900,520 background 'white'
set output svg('live')
plot for [c in curves] sprintf('%s/live.%s.seen.hgrm', dir, c) using 4:1 every ::1 with lines \
	linecolor rgb color(c) linewidth width(c) title c noenhanced
set terminal pngcairo size 900,520 background 'white'
set output png('live')
replot
