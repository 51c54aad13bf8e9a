# SPDX-License-Identifier: MIT
# The cost of an append of 256 bytes against the number of hosts.
load plots.'/common.gp'
set title 'An append of 256 B under hosts (peers: polling, all by one thread)'
set xlabel 'hosts (log)'
set ylabel 'one append (ns, median; log)'
set logscale x 10
set logscale y 10
set terminal svg size 900,520 background 'white'
set output svg('fanout')
plot for [c in curves] sprintf('%s/fanout.%s.dat', dir, c) using 1:2 with linespoints \
	pointtype 7 pointsize 0.5 linecolor rgb color(c) linewidth width(c) dashtype dash(c) title c noenhanced
set terminal pngcairo size 900,520 background 'white'
set output png('fanout')
replot
