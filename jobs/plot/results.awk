# Reads the results of `millrace bench` (CSV, RFC 4180) and writes one line for each run: its columns that the pictures
# need, in the order of `wanted`, between tabs. Whatever is wrong with a file ends it with a message and exit code 3.
#
#     FILE=result.csv awk -f results.awk result.csv
#
# FILE is the file's name for messages. Bytes are taken as they come (LC_ALL=C); the caller sees to valid UTF-8.

BEGIN {
    wanted = "source series workload strategy ranks threads cores records seconds machine version commit mpi latency"
    wants = split(wanted, want, " ")
    # A file may lack the columns that only label a series.
    optional = " source machine version commit mpi latency "
}

{
    sub(/\r$/, "")
    pending = open ? pending "\n" $0 : $0
    if (!open) {
        begun = FNR
        if (FNR == 1)
            sub(/^\357\273\277/, "", pending) # a byte order mark
    }
    open = !parse(pending)
    if (open || (cells == 1 && cell[1] == ""))
        next
    if (!header_seen)
        read_header()
    else
        read_row()
}

END {
    if (failed)
        exit 3
    if (open)
        fail(begun, "a quotation mark is opened and never closed")
    if (!header_seen)
        fail(0, "is empty: not a result of millrace bench")
    if (!rows)
        fail(0, "has no rows")
}

function fail(line, message) {
    printf "plot.sh: %s%s %s\n", ENVIRON["FILE"], line ? ":" line ":" : "", message | "cat >&2"
    close("cat >&2")
    failed = 1
    exit 3
}

# Takes a record apart into cell[1..cells]; 0 where it ends within quotation marks, so that it goes on in the next line.
function parse(text,    rest, end) {
    cells = 0
    rest = text
    while (1) {
        if (substr(rest, 1, 1) == "\"") {
            end = quoted_end(rest)
            if (!end)
                return 0
            cell[++cells] = substr(rest, 2, end - 2)
            gsub(/""/, "\"", cell[cells])
            rest = substr(rest, end + 1)
            if (rest != "" && substr(rest, 1, 1) != ",")
                fail(begun, "there is text between a closing quotation mark and the next comma")
        } else {
            end = index(rest, ",")
            cell[++cells] = end ? substr(rest, 1, end - 1) : rest
            rest = end ? substr(rest, end) : ""
        }
        if (rest == "")
            return 1
        rest = substr(rest, 2)
    }
}

# Where the value that begins with a quotation mark ends: the position of the mark that is not doubled; 0: nowhere.
function quoted_end(text,    at, next_mark) {
    at = 2
    while (next_mark = index(substr(text, at), "\"")) {
        at += next_mark - 1
        if (substr(text, at + 1, 1) != "\"")
            return at
        at += 2
    }
    return 0
}

function read_header(    i, missing) {
    header_seen = 1
    width = cells
    for (i = 1; i <= cells; i++) {
        if (cell[i] in column)
            fail(begun, "there are two columns " cell[i])
        column[cell[i]] = i
    }
    for (i = 1; i <= wants; i++)
        if (!(want[i] in column) && !index(optional, " " want[i] " "))
            missing = missing " " want[i]
    if (missing != "")
        fail(0, "is not a result of millrace bench: there is no column" missing)
}

function value(name,    text) {
    text = name in column ? cell[column[name]] : ""
    return name == "source" && text == "" ? "measured" : text
}

function read_row(    i, line) {
    if (cells != width)
        fail(begun, "there are " cells " values for " width " columns")
    rows++
    number("seconds", 0)
    number("latency", 1)
    natural("ranks", 1)
    natural("threads", 0)
    natural("cores", 1)
    natural("records", 1)
    if (value("source") != "measured" && value("source") != "predicted")
        fail(begun, "source is measured or predicted, not '" value("source") "'")
    for (i = 1; i <= wants; i++)
        line = line (i > 1 ? "\t" : "") clean(value(want[i]))
    print line
}

function number(name, may_lack,    text) {
    text = value(name)
    if (may_lack && (text == "" || text ~ /^0*(\.0*)?$/))
        return
    if (text !~ /^[0-9]*\.?[0-9]+([eE][-+]?[0-9]+)?$/ || text + 0 <= 0 || text + 0 >= 1e15)
        fail(begun, name " is a positive number, not '" text "'")
}

function natural(name, least,    text) {
    text = value(name)
    if (text !~ /^[0-9]+$/ || text + 0 < least || text + 0 >= 1e15)
        fail(begun, name " is a whole number, at least " least ", not '" text "'")
}

# Control characters, and the two characters that XML knows not, would spoil the pictures.
function clean(text) {
    gsub(/[\001-\037\177]+/, " ", text)
    gsub(/\357\277[\276\277]/, "?", text)
    gsub(/^ +| +$/, "", text)
    return text
}
