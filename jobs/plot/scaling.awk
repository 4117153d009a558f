# The pictures of strong and weak series: speed-up and efficiency against cores. Goes with pictures.awk.
#
# With u the median time (of the job in a strong series, for a record in a weak one) and c the fewest cores measured,
# the speed-up on p cores is S(p) = c u(c) / u(p), and the efficiency S(p) / p. Where there are several splits of p cores
# into ranks and threads, the best counts.
#
# Amdahl (strong): u(p) = a + b / p, serial fraction a / (a + b).            G. M. Amdahl, AFIPS 30 (1967), 483-485
# Gustafson (weak): 1 / u(p) = a + b p, serial fraction a / (a + b).         J. L. Gustafson, CACM 31 (1988), 532-533
# Both go through the measurement on the fewest cores, so that one parameter is left: least squares of the relative
# error give it in closed form. A fraction below 0 or above 1 is set to the bound.
#
# Each line of N.dat: cores, speed-up (median, least, most), efficiency (median, least, most). Each element of the
# picture is a block of lines, with two empty lines after it; element_kind, _style and _label in N.gp go with it.

function scaling(work, series,    c) {
    elements = style = rows_of_key = longest = 0
    split("", mark_count); split("", mark_seen)
    measured = sources["measured"]
    for (c = 1; c <= curves; c++)
        find_best(c)
    find_range()
    count_marks()
    element("ideal", 0, "ideal")
    put_curve(series == "strong" ? "strong-ideal" : "weak-ideal", 0)
    for (c = 1; c <= curves; c++)
        if (run[first_run[c], "source"] == "measured")
            draw_measured(c, work, series)
    for (c = 1; c <= curves; c++)
        if (run[first_run[c], "source"] == "predicted")
            draw_predicted(c)
    finish(series)
}

# Finds the best split of each number of cores: best[c, 1..bests[c]] by rising number of cores.
function find_best(c,    s, i, p, at, list) {
    split("", at); split("", list)
    bests[c] = 0
    for (s = 1; s <= settings_of[c]; s++) {
        p = cores[c, s]
        if (!(p in at)) {
            list[++bests[c]] = p
            at[p] = s
        } else if (median[c, s] < median[c, at[p]])
            at[p] = s
    }
    sort(list, bests[c])
    for (i = 1; i <= bests[c]; i++)
        best[c, i] = at[list[i]]
    base_cores[c] = list[1]
    base_time[c] = median[c, best[c, 1]]
}

function find_range(    c, p) {
    x_min = x_max = cores[1, best[1, 1]]
    for (c = 1; c <= curves; c++) {
        p = cores[c, best[c, 1]]
        x_min = p < x_min ? p : x_min
        p = cores[c, best[c, bests[c]]]
        x_max = p > x_max ? p : x_max
    }
    log_axes = x_max > 8 * x_min || x_max > 16
    y_min = 1e30; y_max = 0; e_max = 1
}

# Several measurements on as many cores stand side by side: how many there are of each number.
function count_marks(    c, s, i) {
    for (c = 1; c <= curves; c++) {
        if (run[first_run[c], "source"] != "measured")
            continue
        if (measured == 1)
            for (s = 1; s <= settings_of[c]; s++)
                mark_count[cores[c, s]]++
        else
            for (i = 1; i <= bests[c]; i++)
                mark_count[cores[c, best[c, i]]]++
    }
}

function element(what, of_style, label) {
    elements++
    print "element_kind[" elements "] = " quoted(what) >settings
    print "element_style[" elements "] = " of_style >settings
    print "element_label[" elements "] = " quoted(shorten(label, 110)) >settings
    if (label != "") {
        rows_of_key++
        longest = length_of(label) > longest ? length_of(label) : longest
    }
    if (elements > 1)
        printf "\n\n" >points
}

function put(x, p, s, s_low, s_high) {
    printf "%.8g %.8g %.8g %.8g %.8g %.8g %.8g\n", x, s, s_low, s_high, s / p, s_low / p, s_high / p >points
    y_min = s_low < y_min ? s_low : y_min
    y_max = s_high > y_max ? s_high : y_max
    e_max = s_high / p > e_max ? s_high / p : e_max
}

# The point of a setting: beside the others on as many cores when it is one of the marks of count_marks().
function put_setting(c, s, beside,    p, x, u, step) {
    p = x = cores[c, s]
    if (beside && mark_count[p] > 1) {
        step = mark_seen[p]++ - (mark_count[p] - 1) / 2
        x = log_axes ? p * exp(step * (mark_count[p] > 4 ? 0.25 / mark_count[p] : 0.07)) \
                     : p + step * (x_max - x_min + 0.6) * (mark_count[p] > 4 ? 0.1 / mark_count[p] : 0.025)
    }
    u = base_cores[c] * base_time[c]
    put(x, p, u / median[c, s], u / high[c, s], u / low[c, s])
}

# ---------------------------------------------------------------- what was measured

function draw_measured(c, work, series) {
    if (measured == 1)
        draw_splits(c)
    else
        draw_best(c)
    style_of[label_of(c)] = style
    if (bests[c] > 1) {
        fit(c, series)
        element("fit", measured == 1 ? 0 : style, law(series) ": serial fraction " percent(fraction))
        put_curve("fit", c)
        print "fit\t" work "\t" series "\t" law(series) "\t" percent(fraction) "\t" label_of(c)
    }
}

function law(series) {
    return series == "strong" ? "Amdahl" : "Gustafson"
}

function percent(f) {
    return sprintf("%.3g %%", f < 1e-6 ? 0 : 100 * f)
}

# One curve alone: a mark for each number of threads that a rank has.
function draw_splits(c,    s, t, n, i, list, seen) {
    split("", list); split("", seen)
    for (s = 1; s <= settings_of[c]; s++) {
        t = run[setting_run[c, s], "threads"] + 0
        if (!(t in seen))
            list[++n] = t
        seen[t] = 1
    }
    sort(list, n)
    for (i = 1; i <= n; i++) {
        element("points", ++style, list[i] ? plural(list[i], "thread") " a rank" : "on the event loop")
        for (s = 1; s <= settings_of[c]; s++)
            if (run[setting_run[c, s], "threads"] + 0 == list[i])
                put_setting(c, s, 1)
    }
}

# One of several: the best split of each number of cores, the others small.
function draw_best(c,    s, i, is_best, others) {
    split("", is_best)
    style++
    for (i = 1; i <= bests[c]; i++)
        is_best[best[c, i]] = 1
    for (s = 1; s <= settings_of[c]; s++)
        if (!(s in is_best)) {
            if (!others++)
                element("others", style, "")
            put_setting(c, s, 0)
        }
    element("points", style, label_of(c))
    for (i = 1; i <= bests[c]; i++)
        put_setting(c, best[c, i], 1)
}

# Sets fit_a, fit_b and fraction.
function fit(c, series,    i, p, u, z, zy, zz, c0, u0, w0) {
    fit_is_weak = series == "weak"
    c0 = base_cores[c]
    u0 = base_time[c]
    w0 = 1 / u0
    for (i = 2; i <= bests[c]; i++) {
        p = cores[c, best[c, i]]
        u = median[c, best[c, i]]
        if (series == "strong") {
            z = (1 / p - 1 / c0) / u
            zy += z * (u - u0) / u
        } else {
            z = (p - c0) * u
            zy += z * (1 / u - w0) * u
        }
        zz += z * z
    }
    fit_b = zy / zz
    fit_a = series == "strong" ? u0 - fit_b / c0 : w0 - fit_b * c0
    if (fit_a < 0) {
        fit_a = 0
        fit_b = series == "strong" ? u0 * c0 : w0 / c0
    } else if (fit_b < 0) {
        fit_a = series == "strong" ? u0 : w0
        fit_b = 0
    }
    fraction = fit_a / (fit_a + fit_b)
}

# The ideal line or the fitted curve, from the fewest to the most cores of the picture.
function put_curve(what, c,    i, p, s) {
    for (i = 0; i <= 60; i++) {
        p = x_min * exp(log(x_max / x_min) * i / 60)
        s = p
        if (what == "fit" && fit_is_weak)
            s = base_cores[c] * (fit_a + fit_b * p) * base_time[c]
        else if (what == "fit")
            s = base_cores[c] * base_time[c] / (fit_a + fit_b / p)
        put(p, p, s, s, s)
    }
}

# ---------------------------------------------------------------- what was predicted

# In the colour of the measured curve that has the same label, if there is one.
function draw_predicted(c,    label, i, of) {
    label = label_of(c)
    of = label in style_of && measured > 1 ? style_of[label] : ++style
    element("predicted", of, "predicted" (label == "" ? "" : ", " label))
    for (i = 1; i <= bests[c]; i++)
        put_setting(c, best[c, i], 0)
}

# ---------------------------------------------------------------- axes

# Tics at powers of two, at most a dozen.
function powers_of_two(low, high,    first, last, step, e, out) {
    first = int(log(low) / log(2) + 1000.0001) - 1000
    last = int(log(high) / log(2) + 1000.0001) - 1000
    step = int((last - first) / 11) + 1
    for (e = first - (first % step); e <= last; e += step)
        out = out (out == "" ? "" : ", ") (e < 0 ? "'1/" 2 ^ -e "' " : "") sprintf("%.10g", 2 ^ e)
    return out
}

# Every number of cores that was measured, and fit side by side.
function measured_cores(    c, i, n, list, seen, out, last) {
    split("", list); split("", seen)
    for (c = 1; c <= curves; c++)
        for (i = 1; i <= bests[c]; i++)
            if (!(cores[c, best[c, i]] in seen)) {
                list[++n] = cores[c, best[c, i]]
                seen[list[n]] = 1
            }
    sort(list, n)
    for (i = 1; i <= n; i++)
        out = out (out == "" ? "" : ", ") list[i]
    return out
}

function finish(series,    columns) {
    columns = longest > 50 ? 1 : longest > 32 ? 2 : 3
    print "elements = " elements >settings
    print "log_axes = " log_axes >settings
    print "key_rows = " int((rows_of_key + columns - 1) / columns) >settings
    print "set xtics (" (log_axes ? powers_of_two(x_min, x_max) : measured_cores()) ")" >settings
    print "speedup_tics = " quoted(log_axes ? powers_of_two(y_min, y_max) : "") >settings
    printf "x_min = %.8g; x_max = %.8g\n", x_min, x_max >settings
    printf "y_min = %.8g; y_max = %.8g; e_max = %.8g\n", y_min, y_max, e_max >settings
    print "speedup_text = " quoted(speedup_text(series)) >settings
}

function speedup_text(series,    c, others) {
    for (c = 2; c <= curves; c++)
        others += base_cores[c] != base_cores[1]
    return (series == "weak" ? "scaled speed-up" : "speed-up") \
        (others ? " (from the fewest cores of each)" : \
         base_cores[1] > 1 ? " (" base_cores[1] " cores taken as " base_cores[1] ")" : " over one core")
}
