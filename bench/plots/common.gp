# SPDX-License-Identifier: MIT
# The common part of the plots. Given: dir, curves (a list of words), machine, plots (the folder of this file).
set encoding utf8
set datafile commentschars '#'
set grid back linecolor rgb '#dddddd'
set border 3
set tics nomirror
set key outside right top Left reverse samplen 2
set title font ',13'
set label 99 noenhanced machine at screen 0.99, screen 0.015 right font ',8' textcolor rgb '#777777'

# ours stands out; a side has the same colour everywhere
color(name) = name[1:7] eq 'reprise' ? '#d62728' : name[1:5] eq 'limit' ? '#000000' : \
	name eq 'mutex_deque' ? '#1f77b4' : name eq 'boost_spsc' ? '#2ca02c' : name eq 'wfcqueue' ? '#17becf' : \
	name eq 'disruptor' ? '#9467bd' : name eq 'tokio_broadcast' ? '#ff7f0e' : name eq 'tokio_window' ? '#8c564b' : \
	name eq 'crossbeam' ? '#98df8a' : name eq 'lttng_ust' ? '#c5b0d5' : \
	name eq 'zeromq' ? '#7f7f7f' : name eq 'redis_streams' ? '#bcbd22' : '#e377c2'
width(name) = name[1:7] eq 'reprise' ? 3 : 1.5
dash(name) = name eq 'reprise_stalled' || name[strlen(name)-4:] eq 'first' ? 2 : \
	name eq 'reprise_parked' ? 4 : 1

svg(name) = sprintf('%s/%s.svg', dir, name)
png(name) = sprintf('%s/%s.png', dir, name)
