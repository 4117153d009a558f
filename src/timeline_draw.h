/* The picture itself: where each lane of a timeline stands, and its shapes, as a script for gnuplot. */
#ifndef MILLRACE_SRC_TIMELINE_DRAW_H
#define MILLRACE_SRC_TIMELINE_DRAW_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum span_kind { SPAN_NONE, SPAN_TRANSFER, SPAN_SERVE, SPAN_DEAL, SPAN_MESSAGE, SPAN_KERNEL, SPAN_KINDS };

enum { LANE_TRANSFERS, LANE_LOOP }; /* and LANE_LOOP + N: compute thread N */

/* Something that lasts. Times are ns from the job's begin. */
struct span {
    int64_t begin, end;
    int64_t answered; /* a transfer's first byte came */
    uint32_t rank;
    uint16_t lane;
    uint8_t kind;
    uint8_t row; /* of a transfer */
};

struct lane {
    uint32_t rank;
    unsigned number;
    unsigned threads;   /* of its rank */
    struct span *spans; /* by their begin */
    size_t n;
    unsigned rows;   /* that its transfers are packed into; 0: it is drawn as a curve */
    double most;     /* what a curve's full height stands for: transfers, or 1 */
    int top, height; /* in pixels */
};

/* Gives every lane its place and its way of being drawn, and returns the height of all. */
int timeline_place(struct lane *lanes, size_t n);

/* What stands around the lanes: size, axes, grid. */
void timeline_frame(int height, double seconds, FILE *script);

/* Where the name of a rank stands, whose first lane this is: what follows the text in "set label". */
const char *timeline_rank_place(const struct lane *lane, char *text, size_t size);

/* The lanes' names and shapes, and the plot. `end`: of the job. */
void timeline_draw(struct lane *lanes, size_t n, int64_t end, FILE *script);

#endif
