/* The batches that ranks send each other: any bytes are read to an end, and what is read writes and reads again alike. */
#include "src/wire.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wire_reader reader;
    static struct wire_message message, again;
    struct buffer batch;
    buffer_init(&batch, 1 << 20);
    wire_read_begin(&reader, data, size);
    while (wire_read(&reader, &message)) {
        struct wire_reader second;
        buffer_reset(&batch);
        if (!wire_write(&batch, &message))
            break;
        wire_read_begin(&second, batch.data, batch.len);
        if (!wire_read(&second, &again) || again.kind != message.kind || second.next != second.end)
            abort();
    }
    buffer_free(&batch);
    return 0;
}
