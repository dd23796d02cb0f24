/* Plain RTP packets of an RTSP connection into access units in Annex B, many at once. ingest/packets/native/depacketiser.py calls it.

It takes whole pictures whose packets lie one behind the other in the connection's bytes, each the next, plain, in order, and of one time
stamp, and stops before the first picture that is anything else: that is left to ingest/packets/depacketise.py, which says what a picture is. Nothing
of a picture is taken until all of it is there, so no half of one is kept here, and there is nothing to hand over. A picture that is plain so
far, and whose end has not arrived, is reported, so that the caller can keep its bytes.

The bytes are a stranger's: every read is within [at, end), every write within the room that the caller gave. */

#include <stdint.h>

enum { FRAMING = 4, HEADER = 12, PLAIN = 0x80, MARKER = 0x80, FIRST = 0x80, LAST = 0x40 };
enum { NEITHER = 0, SLICE = 1, KEY_SLICE = 2, SET = 3 };
enum { KEY = 1, AS_IT_IS = 2 };

struct unit {
    uint32_t stamp;
    uint32_t end;        /* Of its bytes. */
    uint32_t starts_end; /* Of its NAL units' places in `starts`. */
    uint32_t flags;      /* KEY; AS_IT_IS: each NAL unit can go into a file as it is. */
};

/* Of one stream, and of one call. ingest/packets/native/depacketiser.py has the same. */
struct taking {
    uint32_t is_hevc, channel, payload_type, ssrc;
    int64_t marked_stamp; /* Of the last picture; -1: there is none. */
    uint32_t next;        /* Sequence number. */
    uint32_t packets, units, starts;
    uint32_t is_cut; /* The first picture that is left is plain up to the end of the bytes, and has a whole packet. */
    uint32_t most_bytes, most_units, most_starts;
};

/* Where things go, and how far they have come. */
struct out {
    uint8_t *data;
    uint32_t *starts;
    uint32_t size, room, count, most;
};

/* The picture that is being looked at. */
struct picture {
    int has_slice, is_key, is_open, is_plain;
};

static uint32_t be16(const uint8_t *at) { return (uint32_t)at[0] << 8 | at[1]; }
static uint32_t be32(const uint8_t *at) { return be16(at) << 16 | be16(at + 2); }

static int kind_of(int is_hevc, uint32_t header)
{
    if (!is_hevc) {
        uint32_t kind = header & 0x1F;
        return kind < 1 || kind > 5 ? NEITHER : kind == 5 ? KEY_SLICE : SLICE;
    }
    uint32_t kind = header >> 1 & 0x3F;
    return kind < 16 ? SLICE : kind < 24 ? KEY_SLICE : kind < 32 ? SLICE : kind <= 34 ? SET : NEITHER;
}

static int append(struct out *out, const uint8_t *data, uint32_t size)
{
    if (size > out->room - out->size)
        return 0;
    __builtin_memcpy(out->data + out->size, data, size);
    out->size += size;
    return 1;
}

/* A NAL unit begins with this header. */
static int begin(struct out *out, struct picture *picture, int is_hevc, const uint8_t *header, uint32_t size)
{
    static const uint8_t start_code[4] = {0, 0, 0, 1};
    int kind = kind_of(is_hevc, header[0]);
    if (kind == SET)
        picture->is_plain = 0;
    else if (kind && !picture->has_slice) {
        picture->has_slice = 1;
        picture->is_key = kind == KEY_SLICE;
    }
    if (out->count == out->most)
        return 0;
    out->starts[out->count++] = out->size;
    return append(out, start_code, sizeof start_code) && append(out, header, size);
}

/* What ends with a zero has to be looked at before it goes into a file. */
static void ended(struct picture *picture, uint8_t last)
{
    picture->is_open = 0;
    if (!last)
        picture->is_plain = 0;
}

static int whole(struct out *out, struct picture *picture, int is_hevc, const uint8_t *unit, uint32_t size)
{
    uint32_t header = is_hevc ? 2 : 1;
    if (picture->is_open || size <= header || !begin(out, picture, is_hevc, unit, header))
        return 0;
    ended(picture, unit[size - 1]);
    return append(out, unit + header, size - header);
}

static int several(struct out *out, struct picture *picture, int is_hevc, const uint8_t *payload, uint32_t size)
{
    uint32_t at = is_hevc ? 2 : 1;
    while (at + 2 <= size) {
        uint32_t length = be16(payload + at);
        at += 2;
        if (length > size - at || !whole(out, picture, is_hevc, payload + at, length))
            return 0;
        at += length;
    }
    return at == size && !picture->is_open;
}

static int fragment(struct out *out, struct picture *picture, int is_hevc, const uint8_t *payload, uint32_t size)
{
    uint32_t header_size = is_hevc ? 2 : 1, at = header_size + 1;
    if (size <= at)
        return 0;
    uint8_t piece = payload[header_size];
    if (picture->is_open == !!(piece & FIRST))
        return 0;
    if (piece & FIRST) {
        uint8_t h264 = (uint8_t)((payload[0] & 0xE0) | (piece & 0x1F));
        uint8_t hevc = (uint8_t)((payload[0] & 0x81) | (piece & 0x3F) << 1);
        uint8_t header[2] = {is_hevc ? hevc : h264, payload[1]};
        if (!begin(out, picture, is_hevc, header, header_size))
            return 0;
        picture->is_open = 1;
    }
    if (piece & LAST)
        ended(picture, payload[size - 1]);
    return append(out, payload + at, size - at);
}

/* A payload of at least one byte; 0 where it is not plainly the next of its picture. */
static int payload(struct out *out, struct picture *picture, int is_hevc, const uint8_t *data, uint32_t size)
{
    uint32_t kind = is_hevc ? data[0] >> 1 & 0x3F : data[0] & 0x1F;
    if (kind == (is_hevc ? 49 : 28))
        return fragment(out, picture, is_hevc, data, size);
    if (kind == (is_hevc ? 48 : 24))
        return several(out, picture, is_hevc, data, size);
    if (is_hevc ? kind < 48 : kind >= 1 && kind <= 23)
        return whole(out, picture, is_hevc, data, size);
    return 0;
}

/* How many bytes at `in` are the next packet, framing and all, of which there are `left`; 0 where they are anything else. */
static uint32_t packet(const struct taking *t, uint32_t number, const uint8_t *in, int64_t left)
{
    if (left <= FRAMING + HEADER || in[0] != '$' || in[1] != t->channel)
        return 0;
    uint32_t size = be16(in + 2);
    if (size <= HEADER || size > left - FRAMING || in[4] != PLAIN || (in[5] & 0x7F) != t->payload_type)
        return 0;
    return be16(in + 6) == number && be32(in + 12) == t->ssrc ? FRAMING + size : 0;
}

/* Whether the bytes at `in`, of which there are `left`, may be the beginning of this stream's next packet. */
static int is_cut_packet(const struct taking *t, const uint8_t *in, int64_t left)
{
    if ((left > 0 && in[0] != '$') || (left > 1 && in[1] != t->channel) || (left > FRAMING && in[4] != PLAIN))
        return 0;
    return left < FRAMING || be16(in + 2) > left - FRAMING;
}

/* Where the picture ends that begins at `at`; `at` where not all of it is there, or it is not plain. */
static int64_t one(struct taking *t, struct out *out, const uint8_t *in, int64_t at, int64_t end, struct unit *unit)
{
    struct picture picture = {0, 0, 0, 1};
    uint32_t number = t->next, packets = 0;
    for (int64_t here = at;; number = (number + 1) & 0xFFFF) {
        uint32_t size = packet(t, number, in + here, end - here);
        if (!size) {
            t->is_cut = packets && is_cut_packet(t, in + here, end - here);
            return at;
        }
        uint32_t stamp = be32(in + here + 8);
        if (packets++ ? stamp != unit->stamp : stamp == t->marked_stamp)
            return at;
        unit->stamp = stamp;
        if (!payload(out, &picture, (int)t->is_hevc, in + here + FRAMING + HEADER, size - FRAMING - HEADER))
            return at;
        int is_marked = in[here + 5] & MARKER;
        here += size;
        if (!is_marked || !picture.has_slice)
            continue;
        if (picture.is_open)
            return at;
        unit->end = out->size;
        unit->starts_end = out->count;
        unit->flags = (picture.is_key ? KEY : 0) | (picture.is_plain ? AS_IT_IS : 0);
        t->next = (number + 1) & 0xFFFF;
        t->packets += packets;
        t->marked_stamp = stamp;
        return here;
    }
}

/* Take what can be taken of in[at:end] into `data`, `units` and `starts`, which have room for as much as `t` says. Returns where the first
packet lies that is left. */
int64_t sightline_take(struct taking *t, const uint8_t *in, int64_t at, int64_t end, uint8_t *data, struct unit *units, uint32_t *starts)
{
    struct out out = {data, starts, 0, t->most_bytes, 0, t->most_starts};
    t->packets = t->units = t->starts = t->is_cut = 0;
    while (t->units < t->most_units) {
        int64_t after = one(t, &out, in, at, end, &units[t->units]);
        if (after == at)
            break;
        at = after;
        t->starts = units[t->units++].starts_end;
    }
    return at;
}
