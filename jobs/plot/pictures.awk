# Makes of runs, as results.awk writes them, what gnuplot draws: for each picture N a file N.gp of settings and N.dat of
# points in the folder that the environment variable FOLDER names. Writes a line for each picture: N, the script that
# draws it (scaling or strategies), the start of its file name; and a line "fit" for each curve that was fitted.
#
# A picture is all that there is of one workload and one series. Runs that agree in everything that stands in
# `identities` form one curve, from whichever files they come; what differs among the curves is their label, what does
# not stands below the title.

BEGIN {
    FS = "\t"
    CONVFMT = "%.17g" # lists of numbers are strings here
    folder = ENVIRON["FOLDER"]
    names = split("source series workload strategy ranks threads cores records seconds machine version commit mpi latency",
                  name, " ")
    identities = split("machine version commit mpi latency strategy records", identity, " ")
    kinds = split("strategies strong weak", kind, " ")
    for (i = 33; i < 127; i++) {
        c = sprintf("%c", i)
        if (c !~ /[A-Za-z]/)
            octal[c] = sprintf("\\%03o", i)
    }
}

{
    for (i = 1; i <= names; i++)
        run[NR, name[i]] = $i
    run[NR, "mpi"] = short_version(run[NR, "mpi"])
    if (!($3 in known))
        workload[known[$3] = ++workloads] = $3
    if ($2 != "strategies" && $2 != "strong" && $2 != "weak")
        other[$2]++
    of[$3, $2] = of[$3, $2] " " NR
}

END {
    for (w = 1; w <= workloads; w++)
        for (k = 1; k <= kinds; k++)
            if ((workload[w], kind[k]) in of)
                picture(workload[w], kind[k])
    for (o in other)
        print "other\t" o "\t" other[o]
}

function picture(work, series,    base) {
    pictures++
    settings = folder "/" pictures ".gp"
    points = folder "/" pictures ".dat"
    sort_out(of[work, series], series)
    describe(work, series)
    if (series == "strategies")
        bars()
    else
        scaling(work, series)
    close(settings)
    close(points)
    base = file_name(work "-" series)
    print pictures "\t" (series == "strategies" ? series : "scaling") "\t" base
}

# MPI_Get_library_version() of Open MPI tells a story; its first words are enough.
function short_version(text) {
    sub(/, package:.*/, "", text)
    return text
}

# A name for a file that harms nobody, and is no other picture's.
function file_name(text,    plain, name) {
    plain = text
    gsub(/[^A-Za-z0-9_-]+/, "_", plain)
    plain = substr(plain, 1, 60)
    name = plain
    while (name in taken)
        name = plain "-" ++again[plain]
    taken[name] = 1
    return name
}

# ---------------------------------------------------------------- sorting out the runs

# Gathers the runs numbered in `list` by curve, and these by setting of ranks and threads.
function sort_out(list, series,    n, i, r, c, s) {
    split("", curve_of); split("", setting_of); split("", times); split("", first_run); split("", settings_of)
    split("", sources)
    curves = 0
    n = split(list, member, " ")
    find_differences(n, series)
    for (i = 1; i <= n; i++) {
        r = member[i]
        c = run[r, "source"]
        for (d = 1; d <= identities; d++)
            if (differs[identity[d]])
                c = c SUBSEP run[r, identity[d]]
        if (!(c in curve_of)) {
            curve_of[c] = ++curves
            first_run[curves] = r
            sources[run[r, "source"]]++
            settings_of[curves] = 0
        }
        c = curve_of[c]
        s = run[r, "strategy"] SUBSEP run[r, "ranks"] SUBSEP run[r, "threads"]
        if (!((c, s) in setting_of)) {
            setting_of[c, s] = ++settings_of[c]
            setting_run[c, settings_of[c]] = r
        }
        s = setting_of[c, s]
        # In a weak series the work grows with the cores: what counts is the time for a record.
        times[c, s] = times[c, s] " " run[r, "seconds"] / (series == "weak" ? run[r, "records"] : 1)
    }
    for (c = 1; c <= curves; c++)
        for (s = 1; s <= settings_of[c]; s++)
            summarise(c, s)
}

# Which identities differ among the runs. Strategies are bars of their own, and records differ in a weak series anyway.
function find_differences(n, series,    d, i) {
    for (d = 1; d <= identities; d++) {
        differs[identity[d]] = 0
        for (i = 2; i <= n; i++)
            if (run[member[i], identity[d]] != run[member[1], identity[d]])
                differs[identity[d]] = 1
    }
    if (series == "strategies")
        differs["strategy"] = 0
    if (series == "weak")
        differs["records"] = 0
}

function summarise(c, s,    n, t) {
    n = split(times[c, s], t, " ")
    sort(t, n)
    low[c, s] = t[1]
    high[c, s] = t[n]
    median[c, s] = n % 2 ? t[(n + 1) / 2] : (t[n / 2] + t[n / 2 + 1]) / 2
    cores[c, s] = run[setting_run[c, s], "cores"] + 0
}

function sort(list, n,    i, j, x) {
    for (i = 2; i <= n; i++) {
        x = list[i] + 0
        for (j = i - 1; j >= 1 && list[j] + 0 > x; j--)
            list[j + 1] = list[j]
        list[j + 1] = x
    }
}

# ---------------------------------------------------------------- words

# A string of gnuplot's that says just this: punctuation is written by its octal code, so that no character has a meaning
# of its own, whatever gnuplot does within quotation marks (commands in backquotes, macros, escapes). Digits too, which
# gnuplot would take for a part of the code before them.
function quoted(text,    i, c, out) {
    for (i = 1; i <= length(text); i++) {
        c = substr(text, i, 1)
        out = out (c in octal ? octal[c] : c)
    }
    return "\"" out "\""
}

# Characters, not bytes, of UTF-8.
function length_of(text) {
    gsub(/[\200-\277]/, "", text)
    return length(text)
}

# At most `most` characters: the middle goes, for the beginning and the end tell most.
function shorten(text, most,    n, i, c, at, head, tail) {
    n = length_of(text)
    if (n <= most)
        return text
    for (i = 1; i <= length(text); i++) {
        c = substr(text, i, 1)
        at += c !~ /[\200-\277]/
        if (at < most * 0.6)
            head = head c
        else if (at > n - most * 0.4)
            tail = tail c
    }
    return head "…" tail
}

function grouped(n,    text, out) {
    text = sprintf("%.0f", n)
    while (length(text) > 3) {
        out = "," substr(text, length(text) - 2) out
        text = substr(text, 1, length(text) - 3)
    }
    return text out
}

function plural(n, word) {
    return grouped(n) " " word (n == 1 ? "" : "s")
}

# How a run's column reads in a label or below the title; "" where there is nothing to say.
function in_words(r, what,    v) {
    v = run[r, what]
    if (v == "")
        return ""
    if (what == "version")
        return "millrace " v
    if (what == "commit")
        return v == "unknown" ? "" : "commit " v
    if (what == "latency")
        return v + 0 == 0 ? "" : "answers after " sprintf("%.6g", v) " s"
    if (what == "records")
        return plural(v, "record")
    return v
}

# What tells this curve from the others.
function label_of(c,    d, text, word) {
    for (d = 1; d <= identities; d++)
        if (differs[identity[d]]) {
            word = in_words(first_run[c], identity[d])
            if (word == "" && identity[d] == "latency")
                word = "answers at once"
            if (word != "")
                text = text (text == "" ? "" : ", ") word
        }
    return text
}

# Title and subtitle: what all curves have in common.
function describe(work, series,    d, text, word, r) {
    r = first_run[1]
    title = series == "strategies" ? "Time by strategy: " : series == "strong" ? "Strong scaling: " : "Weak scaling: "
    title = title shorten(work, 60)
    if (series != "weak" && !differs["records"])
        title = title ", " plural(run[r, "records"], "record")
    if (series == "weak")
        title = title ", records in proportion to cores"
    for (d = 1; d <= identities; d++)
        if (!differs[identity[d]] && identity[d] != "records" && !(series == "strategies" && identity[d] == "strategy")) {
            word = in_words(r, identity[d])
            if (word != "")
                text = text (text == "" ? "" : " · ") word
        }
    print "title_text = " quoted(title) >settings
    print "note_text = " quoted(note(series)) >settings
    print "subtitle_text = " quoted(shorten(text, series == "strategies" ? 108 : 140)) >settings
}

function note(series,    c, s, several) {
    if (series == "strategies")
        return "Bars: median; lines: from the least to the most of all runs; ×: speed-up over the sequential strategy."
    for (c = 1; c <= curves; c++) {
        split("", count)
        for (s = 1; s <= settings_of[c]; s++)
            several += count[cores[c, s]]++
    }
    return "Marks: median; lines: from the least to the most of all runs." \
        (several ? " Fitted to the best split into ranks and threads" \
         (sources["measured"] > 1 ? "; small marks: the others." : ".") : "")
}
