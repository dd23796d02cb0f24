/* For tests/ingest/packets/native/test_depacketiser.py: every call's bytes and rooms in memory of just their size, so that a sanitizer sees each step too far.
Reads records from stdin: is_hevc, next number, sizes of the bytes and of the rooms (six uint32 of this machine), then the bytes. */

#include <stdio.h>
#include <stdlib.h>

#include "../../../../ingest/packets/native/depacketise.c"

int main(void)
{
    uint32_t head[6];
    while (fread(head, sizeof head, 1, stdin) == 1) {
        struct taking taking = {.is_hevc = head[0], .payload_type = 96, .ssrc = 7, .marked_stamp = -1, .next = head[1]};
        uint8_t *in = malloc(head[2]), *data = malloc(head[3]);
        struct unit *units = malloc(head[4] * sizeof *units);
        uint32_t *starts = malloc(head[5] * sizeof *starts);
        if (fread(in, 1, head[2], stdin) != head[2])
            return 2;
        taking.most_bytes = head[3], taking.most_units = head[4], taking.most_starts = head[5];
        int64_t after = sightline_take(&taking, in, 0, head[2], data, units, starts);
        uint32_t size = taking.units ? units[taking.units - 1].end : 0, sum = 0;
        for (uint32_t at = 0; at < size; at++)
            sum = sum * 31 + data[at];
        printf("%lld %u %u %u %u\n", (long long)after, taking.packets, taking.units, size, sum);
        free(in), free(data), free(units), free(starts);
    }
    return 0;
}
