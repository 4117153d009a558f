/* HTTP-date, RFC 9110 5.6.7. Any thread. */
#ifndef MILLRACE_IO_ORIGIN_DATE_H
#define MILLRACE_IO_ORIGIN_DATE_H

#include <time.h>

/* Writes the time, seconds since the epoch, as an IMF-fixdate; "" where the year does not fit four digits. */
void origin_date_format(time_t when, char out[40]);

#endif
