# Draws the comparison of strategies: gnuplot -c strategies.gp svg|png N
# N.gp and N.dat, in the working directory, come from bars.awk.

load "style.gp"
kind = ARG1
name = ARG2
load name.".gp"
data = name.".dat"

bars = groups * curves
crowded = bars > 18
larger(x, y) = x > y ? x : y
smaller(x, y) = x < y ? x : y
width = larger(larger(900, crowded ? smaller(bars * 36 + 200, 2000) : bars * 82 + 120), smaller(key_width * 9.6 + 110, 1200))
width = larger(width, smaller(groups * (group_width * 9.5 + 12) + 110, 2000))
left_edge = 100.0 / width
key_height = 22 * key_rows + (key_rows > 0 ? 10 : 0)
height = 580 + key_height
eval open_picture(kind, name, width, height)
down(y) = 1.0 - y / (1.0 * height)

set label 1 title_text at screen 9.0 / width, screen down(24) left font ",17"
set label 2 subtitle_text at screen 9.0 / width, screen down(50) left font ",11" tc rgb "#505050"
set label 3 note_text at screen 9.0 / width, screen down(70) left font ",10" tc rgb "#505050"
set tmargin at screen down(96)
set bmargin at screen (92.0 + key_height) / height
set lmargin at screen left_edge
set rmargin at screen 1.0 - 15.0 / width

set xrange [0.4 : groups + 0.6]
set xtics scale 0 () 
do for [g = 1:groups] { set xtics add (group_label[g] g) }
set xlabel "strategy, ranks × compute threads of each" offset 0, -0.8
set grid noxtics
if (log_axis) {
  set logscale y 10
  floor_of_bars = 10 ** floor(log10(y_min) - 0.15)
  set yrange [floor_of_bars : y_max * (y_max / floor_of_bars) ** (crowded ? 0.3 : 0.16)]
  set format y "%g"
  set ylabel "time [s], logarithmic"
} else {
  set yrange [0 : y_max * (crowded ? 1.35 : 1.18)]
  set ylabel "time [s]"
}
if (curves > 1) {
  set key at screen left_edge, screen key_height / (1.0 * height) left top vertical Left reverse samplen 2.5 spacing 1.15 maxrows key_rows font ",12"
} else {
  unset key
}

set datafile separator "\t"
array patterns[6] = [2, 1, 4, 5, 6, 7]
filled(c) = c == 1 ? "fs solid 0.85 border lc rgb '#303030'" : sprintf("fs pattern %d border lc rgb '#303030'", patterns[(c - 1) % 6 + 1])
command = "plot "
do for [c = 1:curves] {
  command = command.sprintf("data index %d using 1:3:($2*2*0.94) with boxes lc rgb '%s' %s title curve_label[%d], ", c - 1, color(c), filled(c), c)
}
command = command."data using 1:4:(0):($5-$4) with vectors heads size graph 0.006,90 lw 1.6 lc rgb '#000000' notitle, "
if (crowded) {
  command = command."data using 1:5:(strcol(6).\"  \".strcol(7)) with labels rotate left offset 0, 0.5 font \",10\" notitle"
} else {
  command = command."data using 1:5:6 with labels center offset 0, 0.8 font \",11\" notitle, "
  command = command."data using 1:5:7 with labels center offset 0, 2.0 font \",13\" notitle"
}
eval command
unset output
