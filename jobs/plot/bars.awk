# The picture of a comparison of strategies: a bar for each, as high as the median time. Goes with pictures.awk.
#
# Where a strategy was run with several splits into ranks and threads, each has bars of its own. Each line of N.dat, one
# for a bar, between tabs: x, half its width, time (median, least, most), the time and the speed-up over the
# sequential strategy in words. Each curve is a block of lines, with two empty lines after it.

function bars(    c, i) {
    find_groups()
    put_order()
    y_min = 1e30; y_max = 0
    for (c = 1; c <= curves; c++)
        put_bars(c)
    print "curves = " curves >settings
    print "groups = " groups >settings
    print "array curve_label[" curves "]" >settings
    longest = 0
    for (c = 1; c <= curves; c++) {
        i = curve_text(c)
        longest = length_of(i) > longest ? length_of(i) : longest
        print "curve_label[" c "] = " quoted(shorten(i, 110)) >settings
    }
    print "key_rows = " (curves > 1 ? curves : 0) "; key_width = " (curves > 1 ? longest : 0) >settings
    printf "y_min = %.8g; y_max = %.8g; log_axis = %d\n", y_min, y_max, (y_max > 50 * y_min) >settings
}

function curve_text(c,    label) {
    label = label_of(c)
    if (run[first_run[c], "source"] == "predicted")
        label = "predicted" (label == "" ? "" : ", " label)
    return label == "" ? "measured" : label
}

# The group of bars that each setting belongs to: its strategy's, or one of its own where a strategy has several.
function find_groups(    c, s, r, many, seen, count) {
    split("", group_of); split("", group_name); split("", group_split); split("", seen); split("", count)
    many = groups = 0
    for (c = 1; c <= curves; c++)
        for (s = 1; s <= settings_of[c]; s++)
            many += count[c, run[setting_run[c, s], "strategy"]]++ > 0
    for (c = 1; c <= curves; c++)
        for (s = 1; s <= settings_of[c]; s++) {
            r = setting_run[c, s]
            split_text = run[r, "threads"] + 0 ? run[r, "ranks"] + 0 " × " run[r, "threads"] + 0 : plural(run[r, "ranks"], "rank")
            key = run[r, "strategy"] (many ? SUBSEP split_text : "")
            if (!(key in seen)) {
                seen[key] = ++groups
                group_name[groups] = run[r, "strategy"]
                group_split[groups] = split_text
                group_rank[groups] = order_of(run[r, "strategy"]) * 1e6 + (many ? run[r, "ranks"] * 1e-2 + run[r, "threads"] * 1e-6 : 0)
            } else if (group_split[seen[key]] != split_text)
                group_split[seen[key]] = ""
            group_of[c, s] = seen[key]
        }
}

# Strategies stand in the order in which they were invented; others as they come.
function order_of(strategy,    at) {
    at = index("sequential threads async processes hybrid ", strategy " ")
    if (strategy == "" || !at)
        return 100 + (strategy in appeared ? appeared[strategy] : (appeared[strategy] = ++appearances))
    return at
}

# Gives each group its place from the left, and the label below it.
function put_order(    g, h, place) {
    widest = 0
    print "array group_label[" groups "]" >settings
    for (g = 1; g <= groups; g++) {
        place = 1
        for (h = 1; h <= groups; h++)
            place += group_rank[h] < group_rank[g] || (group_rank[h] == group_rank[g] && h < g)
        group_place[g] = place
        # The label of a tic is a format: a percent sign in it is doubled.
        label = shorten(group_name[g], 20)
        widest = length_of(label) > widest ? length_of(label) : widest
        gsub(/%/, "%%", label)
        print "group_label[" place "] = " quoted(label) (group_split[g] == "" ? "" : ".\"\\n\"." quoted(group_split[g])) >settings
    }
    print "group_width = " widest >settings
}

# The time of the sequential strategy; 0 where it was not run.
function sequential_time(c,    s, least) {
    for (s = 1; s <= settings_of[c]; s++)
        if (run[setting_run[c, s], "strategy"] == "sequential" && (!least || median[c, s] < least))
            least = median[c, s]
    return least + 0
}

function put_bars(c,    s, half, x, over) {
    over = sequential_time(c)
    half = 0.4 / curves
    if (c > 1)
        printf "\n\n" >points
    for (s = 1; s <= settings_of[c]; s++) {
        x = group_place[group_of[c, s]] - 0.4 + half * (2 * c - 1)
        printf "%.8g\t%.8g\t%.8g\t%.8g\t%.8g\t%s\t%s\n", x, half, median[c, s], low[c, s], high[c, s],
            time_text(median[c, s]), over && !in_part(c, s) ? times_text(over / median[c, s]) : "" >points
        y_min = low[c, s] < y_min ? low[c, s] : y_min
        y_max = high[c, s] > y_max ? high[c, s] : y_max
    }
}

# fetch-alone and compute-alone do less than the others: they are no faster than these.
function in_part(c, s) {
    return run[setting_run[c, s], "strategy"] ~ /-alone$/
}

# Three digits are more than a measurement is worth.
function digits(x) {
    return x >= 100 ? grouped(x) : sprintf("%.3g", x)
}

function time_text(x) {
    return x >= 0.1 ? digits(x) " s" : x >= 1e-4 ? digits(x * 1e3) " ms" : digits(x * 1e6) " µs"
}

function times_text(x) {
    return digits(x) "×"
}
