/* Encodes a drawn picture with alpha, decodes it again, and says what came of it.
 *
 *     cargo build --release -p calotype-c
 *     cc -I crates/calotype-c/include crates/calotype-c/examples/round_trip.c -L target/release -lcalotype_c -o round_trip
 *     LD_LIBRARY_PATH=target/release ./round_trip */
#include <calotype.h>
#include <stdio.h>
#include <stdlib.h>

static void check(calotype_status status, const char *task) {
    if (status != CALOTYPE_OK) {
        fprintf(stderr, "%s: status %d: %s\n", task, status, calotype_error());
        exit(1);
    }
}

int main(void) {
    static uint8_t pixels[60][80][4];
    for (int y = 0; y < 60; y++)
        for (int x = 0; x < 80; x++) {
            pixels[y][x][0] = 3 * x;
            pixels[y][x][1] = 4 * y;
            pixels[y][x][2] = 90;
            pixels[y][x][3] = x < 40 ? 255 : 128;
        }
    calotype_picture picture = {80, 60, 4, 8, pixels, sizeof pixels}, info, decoded;
    calotype_codec *codec;
    calotype_bytes file;
    check(calotype_codec_new(&codec), "loading the model");
    check(calotype_encode(codec, &picture, 80.0, &file), "encoding");
    check(calotype_info(file.data, file.length, &info), "reading the header");
    check(calotype_decode(codec, file.data, file.length, 1000000, &decoded), "decoding");

    double squares = 0;
    const uint8_t *samples = decoded.samples;
    for (size_t i = 0; i < sizeof pixels; i++) {
        int difference = samples[i] - ((uint8_t *)pixels)[i];
        if (i % 4 == 3 && difference != 0) {
            fprintf(stderr, "alpha differs\n");
            return 1;
        }
        squares += difference * difference;
    }
    printf("%ux%u, %u channels of %u bits: %zu bytes, mean squared error %.2f\n", info.width, info.height, info.channels, info.depth,
           file.length, squares / sizeof pixels);
    if (decoded.bytes != sizeof pixels || squares / sizeof pixels > 20) return 1;

    file.data[file.length - 1] ^= 1;
    if (calotype_decode(codec, file.data, file.length, 1000000, &decoded) != CALOTYPE_MALFORMED) return 1;
    printf("damaged: %s\n", calotype_error());
    if (calotype_encode(codec, &picture, 101.0, &file) != CALOTYPE_USAGE) return 1;
    calotype_picture_free(&decoded);
    calotype_bytes_free(&file);
    calotype_codec_free(codec);
    return 0;
}
