#include "src/timeline_draw.h"

#include <stdbool.h>

enum {
    WIDTH = 1000, /* pixels, of all; those of the margins: */
    LEFT = 104,
    RIGHT = 24,
    ABOVE = 96,
    BELOW = 60,
    BINS = 872,        /* of a curve: one a pixel */
    MOST_ROWS = 40,    /* of transfers; more are a curve */
    MOST_SPANS = 1000, /* of another lane; more are a curve */
    ROW = 6,           /* pixels */
    CURVE = 84,        /* of transfers */
    LOOP = 22,
    THREAD = 26,
    MANY_THREADS = 8, /* from which on they are thinner */
    THIN_THREAD = 12,
    GAP = 5,
    RANK_NAME = 22,
};

static const struct {
    const char *rgb, *meaning;
} looks[] = {
    {"0x56b4e9", "transfer: waiting"}, {"0x0072b2", "transfer: body arrives"},
    {"0x7f7f7f", "loop: serves"},      {"0x009e73", "loop: reads and deals"},
    {"0xcc79a7", "loop: messages"},    {"0xe69f00", "kernel"},
};

enum look { WAITING, ARRIVING, SERVING, DEALING, MESSAGES, COMPUTING, LOOKS };

static enum look look_of(const struct span *s)
{
    static const enum look by_kind[SPAN_KINDS] = {[SPAN_TRANSFER] = ARRIVING,
                                                  [SPAN_SERVE] = SERVING,
                                                  [SPAN_DEAL] = DEALING,
                                                  [SPAN_MESSAGE] = MESSAGES,
                                                  [SPAN_KERNEL] = COMPUTING};
    return by_kind[s->kind];
}

/* ------------------------------------------------------------------ places */

/* Each transfer into the first row that is free then. Returns the rows taken, or 0 if they are too many. */
static unsigned pack(struct lane *lane)
{
    int64_t free_from[MOST_ROWS] = {0};
    unsigned rows = 0;
    for (size_t i = 0; i < lane->n; i++) {
        unsigned row = 0;
        while (row < MOST_ROWS && free_from[row] > lane->spans[i].begin)
            row++;
        if (row == MOST_ROWS)
            return 0;
        free_from[row] = lane->spans[i].end;
        lane->spans[i].row = (uint8_t)row;
        rows = row + 1 > rows ? row + 1 : rows;
    }
    return rows ? rows : 1;
}

static int height_of(const struct lane *lane)
{
    if (lane->number == LANE_TRANSFERS)
        return !lane->rows ? CURVE : lane->rows * ROW > LOOP ? (int)lane->rows * ROW : LOOP;
    return lane->number == LANE_LOOP ? LOOP : lane->threads >= MANY_THREADS ? THIN_THREAD : THREAD;
}

int timeline_place(struct lane *lanes, size_t n)
{
    int top = 0;
    for (size_t i = 0; i < n; i++) {
        struct lane *lane = &lanes[i];
        if (i == 0 || lane[-1].rank != lane->rank)
            top += RANK_NAME;
        lane->rows = lane->number == LANE_TRANSFERS ? pack(lane) : lane->n <= MOST_SPANS;
        lane->top = top;
        lane->height = height_of(lane);
        top += lane->height + GAP;
    }
    return top;
}

const char *timeline_rank_place(const struct lane *lane, char *text, size_t size)
{
    snprintf(text, size, " at graph 0, first %d left offset 0.3, 0 font ',12' front",
             lane->top - RANK_NAME / 2 + 2);
    return text;
}

void timeline_frame(int height, double seconds, FILE *script)
{
    int all = height + ABOVE + BELOW;
    fprintf(
        script,
        "set terminal svg noenhanced size %d,%d font 'Helvetica,Arial,sans-serif,12' background '#ffffff'\n",
        WIDTH, all);
    fprintf(script, "set lmargin at screen %.4f\nset rmargin at screen %.4f\n", (double)LEFT / WIDTH,
            1 - (double)RIGHT / WIDTH);
    fprintf(script, "set tmargin at screen %.4f\nset bmargin at screen %.4f\n", 1 - (double)ABOVE / all,
            (double)BELOW / all);
    fprintf(script, "set xrange [0:%.9g]\nset yrange [%d:0]\n", seconds, height);
    fputs("set border 1 linecolor rgb '#444444'\nset tics nomirror out scale 0.6\n"
          "set grid xtics front linetype 1 linecolor rgb '#000000' linewidth 0.25 dashtype 3\n"
          "set xlabel 'time since the job began [s]'\nset style fill solid 1.0 noborder\n"
          "set key at screen 0.5, graph 1 center bottom horizontal Left reverse maxrows 1 samplen 1.5 width "
          "-2 font ',11'\n",
          script);
}

/* ------------------------------------------------------------------ shapes */

/* x in seconds and y in pixels of the corners, and the colour: one polygon of the data block. */
static void box(FILE *out, double x0, double x1, double y0, double y1, enum look look)
{
    const char *c = looks[look].rgb;
    fprintf(out, "%.9g %.1f %s\n%.9g %.1f %s\n%.9g %.1f %s\n%.9g %.1f %s\n\n", x0, y0, c, x1, y0, c, x1, y1,
            c, x0, y1, c);
}

static double seconds(int64_t ns)
{
    return (double)ns / 1e9;
}

static void draw_rows(const struct lane *lane, FILE *out)
{
    double row = (double)lane->height / lane->rows;
    for (size_t i = 0; i < lane->n; i++) {
        const struct span *s = &lane->spans[i];
        double top = lane->top + s->row * row, bottom = top + row * 0.82;
        box(out, seconds(s->begin), seconds(s->answered), top, bottom, WAITING);
        if (s->end > s->answered)
            box(out, seconds(s->answered), seconds(s->end), top, bottom, ARRIVING);
    }
}

/* No kernel is narrower than can be seen, and none so wide that it touches the next. A loop's turns are many and mostly
 * short: what is faint took little. */
static void draw_spans(const struct lane *lane, int64_t job, FILE *out)
{
    double pixel = seconds(job) / BINS;
    for (size_t i = 0; i < lane->n; i++) {
        const struct span *s = &lane->spans[i];
        bool kernel = s->kind == SPAN_KERNEL;
        double from = seconds(s->begin), width = seconds(s->end) - from;
        double least = pixel * (kernel ? 0.7 : 0.2), gap = kernel && width > 2.5 * pixel ? 0.5 * pixel : 0;
        box(out, from, from + (width < least ? least : width - gap), lane->top, lane->top + lane->height,
            look_of(s));
    }
}

struct bins {
    double share[LOOKS][BINS];
    int64_t job;
};

/* Adds the time from begin to end to the bins that it falls into. */
static void add_to_bins(struct bins *b, int64_t begin, int64_t end, enum look look, double weight)
{
    double bin = (double)b->job / BINS;
    int first = (int)((double)begin / bin), last = (int)((double)end / bin);
    for (int i = first; i <= last && i < BINS; i++) {
        double from = i * bin > (double)begin ? i * bin : (double)begin;
        double to = (i + 1) * bin < (double)end ? (i + 1) * bin : (double)end;
        if (to > from)
            b->share[look][i] += weight * (to - from) / bin;
    }
}

/* A kernel on the loop is part of its turn: what it takes is not the turn's. */
static void fill_bins(const struct lane *lane, struct bins *b)
{
    int64_t turn_end = -1;
    for (size_t i = 0; i < lane->n; i++) {
        const struct span *s = &lane->spans[i];
        if (s->kind == SPAN_TRANSFER) {
            add_to_bins(b, s->begin, s->answered, WAITING, 1);
            add_to_bins(b, s->answered, s->end, ARRIVING, 1);
            continue;
        }
        add_to_bins(b, s->begin, s->end, look_of(s), 1);
        if (s->kind == SPAN_SERVE)
            turn_end = s->end;
        else if (s->kind == SPAN_KERNEL && s->end <= turn_end)
            add_to_bins(b, s->begin, s->end, SERVING, -1);
    }
}

/* One band of the stack: along the top of it and back along its bottom. */
static void draw_band(const struct lane *lane, const double *lower, const double *upper, enum look look,
                      double bin, FILE *out)
{
    double base = lane->top + lane->height, scale = lane->height / lane->most;
    for (int i = 0; i < BINS; i++)
        fprintf(out, "%.9g %.2f %s\n%.9g %.2f %s\n", i * bin, base - upper[i] * scale, looks[look].rgb,
                (i + 1) * bin, base - upper[i] * scale, looks[look].rgb);
    for (int i = BINS - 1; i >= 0; i--)
        fprintf(out, "%.9g %.2f %s\n%.9g %.2f %s\n", (i + 1) * bin, base - lower[i] * scale, looks[look].rgb,
                i * bin, base - lower[i] * scale, looks[look].rgb);
    fputc('\n', out);
}

static void draw_curve(struct lane *lane, int64_t job, FILE *out)
{
    static const enum look order[] = {ARRIVING, WAITING, COMPUTING, DEALING, MESSAGES, SERVING};
    struct bins b = {.job = job > 0 ? job : 1};
    double lower[BINS] = {0}, upper[BINS] = {0};
    fill_bins(lane, &b);
    lane->most = 1;
    for (int i = 0; lane->number == LANE_TRANSFERS && i < BINS; i++)
        if (b.share[WAITING][i] + b.share[ARRIVING][i] > lane->most)
            lane->most = b.share[WAITING][i] + b.share[ARRIVING][i];
    for (size_t k = 0; k < sizeof order / sizeof *order; k++) {
        bool any = false;
        for (int i = 0; i < BINS; i++) {
            double share = b.share[order[k]][i];
            any = any || share > 0;
            upper[i] = lower[i] + (share > 0 ? share : 0);
        }
        if (any)
            draw_band(lane, lower, upper, order[k], seconds(b.job) / BINS, out);
        for (int i = 0; i < BINS; i++)
            lower[i] = upper[i];
    }
}

/* ------------------------------------------------------------------ the plot */

static void name_lane(const struct lane *lane, FILE *script)
{
    int middle = lane->top + lane->height / 2;
    if (lane->number == LANE_TRANSFERS && lane->rows)
        fprintf(script, "set ytics add ('transfers' %d)\n", middle);
    else if (lane->number == LANE_TRANSFERS)
        fprintf(script, "set ytics add ('in flight' %d, '%.0f' %d, '0' %d)\n", middle, lane->most, lane->top,
                lane->top + lane->height);
    else if (lane->number == LANE_LOOP)
        fprintf(script, "set ytics add ('loop%s' %d)\n", lane->rows ? "" : ": busy", middle);
    else
        fprintf(script, "set ytics add ('thread %u%s' %d)\n", lane->number - LANE_LOOP,
                lane->rows ? "" : ": busy", middle);
}

/* What is seen, for the key. */
static unsigned looks_seen(const struct lane *lanes, size_t n)
{
    unsigned seen = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < lanes[i].n; k++)
            seen |= 1u << look_of(&lanes[i].spans[k]);
    return seen & 1u << ARRIVING ? seen | 1u << WAITING : seen;
}

void timeline_draw(struct lane *lanes, size_t n, int64_t end, FILE *script)
{
    unsigned seen = looks_seen(lanes, n);
    fputs("set ytics () \n$shapes << END\n", script);
    for (size_t i = 0; i < n; i++) {
        if (!lanes[i].rows)
            draw_curve(&lanes[i], end, script);
        else if (lanes[i].number == LANE_TRANSFERS)
            draw_rows(&lanes[i], script);
        else
            draw_spans(&lanes[i], end, script);
    }
    if (!seen) /* gnuplot draws no plot without a point */
        fputs("0 0 0xffffff\n", script);
    fputs("END\n", script);
    for (size_t i = 0; i < n; i++) {
        name_lane(&lanes[i], script);
        /* A faint ground shows where the lane is, though nothing happens there. */
        fprintf(script,
                "set object rectangle from graph 0, first %d to graph 1, first %d back fillcolor rgb "
                "'#f2f2f2' fillstyle solid 1.0 noborder\n",
                lanes[i].top, lanes[i].top + lanes[i].height);
    }
    fputs("plot $shapes using 1:2:3 with polygons linecolor rgb variable notitle", script);
    for (int look = 0; look < LOOKS; look++)
        if (seen & 1u << look)
            fprintf(script, ", keyentry with boxes fillcolor rgb '#%s' title '%s'", looks[look].rgb + 2,
                    looks[look].meaning);
    fputc('\n', script);
}
