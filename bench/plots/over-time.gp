# SPDX-License-Identifier: MIT
# Each append timed: the first lap over untouched pages, and later laps.
load plots.'/common.gp'
set title 'One append of 256 B, each timed: first lap (pages untouched) and later laps'
set xlabel 'percentile'
set ylabel 'one append (ns; log)'
set logscale x 10
set logscale y 10
set xrange [1:1000000]
set xtics ('0' 1, '90' 10, '99' 100, '99.9' 1000, '99.99' 10000, '99.999' 100000, '99.9999' 1000000)
set terminal svg size 900,520 background 'white'
set output svg('over-time')
plot for [c in curves] sprintf('%s/over-time.%s.hgrm', dir, c) using 4:($1 < 1 ? 1 : $1) every ::1 with lines \
	linecolor rgb color(c) linewidth width(c) dashtype dash(c) title c noenhanced
set terminal pngcairo size 900,520 background 'white'
set output png('over-time')
replot
