# What the pictures share. Colours of Okabe and Ito (jfly.uni-koeln.de/color), which differ for every kind of
# colour-blindness; markers, dashes and patterns differ too, for print. Text is drawn as it is: noenhanced.

set encoding utf8
colors = "#0072B2 #D55E00 #009E73 #CC79A7 #E69F00 #56B4E9 #000000"
markers = "7 5 9 13 11 15 6 4 8 12 10 14"
color(style) = word(colors, (style - 1) % words(colors) + 1)
marker(style) = int(word(markers, (style - 1) % words(markers) + 1))
array dashes[6] = ["6,4", "10,4,2,4", "3,3", "12,4", "10,4,2,4,2,4", "5,3,2,3"]
dash(style) = dashes[(style + 5) % 6 + 1]

# SVG in points; PNG of twice as many pixels, for print.
open_picture(kind, name, width, height) = kind eq "svg" \
  ? sprintf("set terminal svg size %d,%d dynamic font 'DejaVu Sans,Verdana,sans-serif,13' fontscale 1.2 noenhanced background '#FFFFFF'; set output '%s.svg'", width, height, name) \
  : sprintf("set terminal pngcairo size %d,%d font 'DejaVu Sans,13' fontscale 2 linewidth 2 pointscale 2 noenhanced; set output '%s.png'", 2 * width, 2 * height, name)

set border 3 lc rgb "#404040"
set tics nomirror out scale 0.6
set format "%g"
set grid back lc rgb "#D8D8D8" lw 0.8 lt 1
set errorbars small
