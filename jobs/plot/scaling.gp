# Draws the picture of a strong or weak series: gnuplot -c scaling.gp svg|png N
# N.gp and N.dat, in the working directory, come from scaling.awk.

load "style.gp"
kind = ARG1
name = ARG2
array element_kind[200]
array element_style[200]
array element_label[200]
load name.".gp"
data = name.".dat"

width = 1200
key_height = 22 * key_rows + (key_rows > 0 ? 10 : 0)
height = 580 + key_height
eval open_picture(kind, name, width, height)
down(y) = 1.0 - y / (1.0 * height)

# How each kind of element is drawn; column 2 begins the speed-up, column 5 the efficiency.
with_line(style, dashes) = sprintf("with lines lw 1.8 lc rgb '%s' dt %s", style ? color(style) : "#000000", dashes)
drawn(e, column) = \
  element_kind[e] eq "ideal" ? sprintf("using 1:%d with lines lw 1.4 lc rgb '#8C8C8C' dt solid", column) : \
  element_kind[e] eq "fit" ? sprintf("using 1:%d ", column).with_line(element_style[e], sprintf("(%s)", dash(element_style[e]))) : \
  element_kind[e] eq "predicted" ? sprintf("using 1:%d with linespoints lw 2.2 lc rgb '%s' pt 1 ps 0.8 dt (2,2)", column, color(element_style[e])) : \
  element_kind[e] eq "others" ? sprintf("using 1:%d with points lc rgb '%s' pt %d ps 0.4", column, color(element_style[e]), marker(element_style[e])) : \
  sprintf("using 1:%d:%d:%d with yerrorbars lw 1.4 lc rgb '%s' pt %d ps 1.0", column, column + 1, column + 2, color(element_style[e]), marker(element_style[e]))
speedup_command = "plot "
efficiency_command = "plot "
do for [e = 1:elements] {
  separator = e > 1 ? ", " : ""
  shown = strlen(element_label[e]) ? sprintf(" title element_label[%d]", e) : " notitle"
  speedup_command = speedup_command.separator.sprintf("data index %d ", e - 1).drawn(e, 2).shown
  efficiency_command = efficiency_command.separator.sprintf("data index %d ", e - 1).drawn(e, 5)." notitle"
}

set multiplot
set label 1 title_text at screen 0.012, screen down(24) left font ",17"
set label 2 subtitle_text at screen 0.012, screen down(50) left font ",11" tc rgb "#505050"
set label 3 note_text at screen 0.012, screen down(70) left font ",10" tc rgb "#505050"
set tmargin at screen down(96)
set bmargin at screen (72.0 + key_height) / height
set xlabel "cores (ranks × threads)"
if (log_axes) {
  set logscale x 2
  set xrange [x_min / 1.15 : x_max * 1.15]
} else {
  set xrange [x_min - 0.3 : x_max + 0.3]
}

left_edge = 0.085
set lmargin at screen left_edge
set rmargin at screen 0.485
set ylabel speedup_text
if (log_axes) {
  set logscale y 2
  set yrange [y_min / 1.1 : y_max * 1.1]
  eval "set ytics (".speedup_tics.")"
} else {
  set yrange [0 : y_max * 1.05]
}
set key at screen left_edge, screen key_height / (1.0 * height) left top vertical Left reverse samplen 3 spacing 1.15 maxrows key_rows font ",12"
eval speedup_command

set lmargin at screen 0.58
set rmargin at screen 0.98
unset label
unset key
unset logscale y
set ytics autofreq
set format y "%g"
set ylabel "efficiency (speed-up / cores)"
set yrange [0 : e_max * 1.05]
eval efficiency_command
unset multiplot
unset output
