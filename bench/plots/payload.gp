# SPDX-License-Identifier: MIT
# The cost of an append against the size of the event, without a host.
load plots.'/common.gp'
set title 'An append with nobody subscribed'
set xlabel 'payload (bytes)'
set ylabel 'one append (ns, median; log)'
set logscale x 2
set logscale y 10
set terminal svg size 900,520 background 'white'
set output svg('payload')
plot for [c in curves] sprintf('%s/payload.%s.dat', dir, c) using 1:2 with linespoints \
	pointtype 7 pointsize 0.5 linecolor rgb color(c) linewidth width(c) title c noenhanced
set terminal pngcairo size 900,520 background 'white'
set output png('payload')
replot
