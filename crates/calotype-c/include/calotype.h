/* Calotype, a learned image codec: encode and decode .calo files.
 *
 * Every function may be called from any thread; a codec may be shared between threads.
 * Pointers must not be NULL unless it is said that they may. What a call writes to its outputs counts only if it returns CALOTYPE_OK.
 * Functions and fields are only ever added: calotype_version() says what a library has. */
#ifndef CALOTYPE_H
#define CALOTYPE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Whose fault it is; the numbers are the command line's exit codes. */
typedef enum {
    CALOTYPE_OK = 0,
    CALOTYPE_MALFORMED = 1,   /* the file is damaged, or no .calo file */
    CALOTYPE_USAGE = 2,       /* an argument makes no sense */
    CALOTYPE_UNSUPPORTED = 3, /* the file is fine but too new or too large */
    CALOTYPE_ENGINE = 4       /* the codec cannot run here */
} calotype_status;

/* A loaded model. */
typedef struct calotype_codec calotype_codec;

/* A picture: rows from the top without padding, samples of a pixel side by side, native byte order.
 * channels: 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha (straight). depth: 8 (uint8_t samples) or 16 (uint16_t samples). */
typedef struct {
    uint32_t width;
    uint32_t height;
    uint32_t channels;
    uint32_t depth;
    void *samples; /* width * height * channels of them */
    size_t bytes;  /* of samples */
} calotype_picture;

/* A file in memory. */
typedef struct {
    uint8_t *data;
    size_t length;
} calotype_bytes;

/* MAJOR << 16 | MINOR << 8 | PATCH */
uint32_t calotype_version(void);

/* What the last call of this thread that failed had to say; one line, valid until its next call. Never NULL. */
const char *calotype_error(void);

/* Loads the embedded model. Takes a while: once for many pictures. */
calotype_status calotype_codec_new(calotype_codec **codec);
/* NULL is allowed. */
void calotype_codec_free(calotype_codec *codec);

/* Reads what a file says about itself; picture->samples becomes NULL. */
calotype_status calotype_info(const uint8_t *data, size_t length, calotype_picture *picture);

/* Decodes a file of at most max_pixels pixels. The picture is freed by calotype_picture_free. */
calotype_status calotype_decode(const calotype_codec *codec, const uint8_t *data, size_t length, uint64_t max_pixels, calotype_picture *picture);

/* Encodes a picture at a quality from 0 to 100: the SSIMULACRA2 score that photographs reach on average. 70 is a good choice, 0 gives the
 * smallest file and 100 the best picture; a quality beyond the model's best gives its best. The file is freed by calotype_bytes_free. */
calotype_status calotype_encode(const calotype_codec *codec, const calotype_picture *picture, double quality, calotype_bytes *file);

/* Only for what the library has made; both become empty. */
void calotype_picture_free(calotype_picture *picture);
void calotype_bytes_free(calotype_bytes *bytes);

#ifdef __cplusplus
}
#endif
#endif
