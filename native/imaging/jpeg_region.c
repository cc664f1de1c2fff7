/* Decodes a part of a JPEG image. libjpeg reports errors by a callback that must not return: longjmp, which managed code
 * cannot be jumped over by, so this little file stands between. Rows below the part are not even read. */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "huffman.h"

#define EXPORT __attribute__((visibility("default")))

typedef struct {
  struct jpeg_error_mgr errors;
  struct jpeg_decompress_struct jpeg;
  jmp_buf failed;
  int ends_early;
  int is_odd;
  crn_huffman huffman;
} crn_jpeg;

/* libjpeg's own, of every version with this interface (jpegint.h, which is not installed): it calls decode_mcu for each MCU. */
struct jpeg_entropy_decoder {
  void (*start_pass)(j_decompress_ptr jpeg);
  boolean (*decode_mcu)(j_decompress_ptr jpeg, JBLOCKROW *blocks);
  boolean insufficient_data;
};

static void fail(j_common_ptr info) { longjmp(((crn_jpeg *)info->client_data)->failed, 1); }

/* As many scans as TurboJPEG's TJFLAG_LIMITSCANS allows. */
#define MOST_SCANS 500

static void watch(j_common_ptr info) {
  if (info->is_decompressor && ((j_decompress_ptr)info)->input_scan_number > MOST_SCANS) fail(info);
}

static struct jpeg_progress_mgr progress = {watch, 0, 0, 0, 0};

/* A file that ends early makes libjpeg go on with zeros; other warnings are harmless. */
static void warn(j_common_ptr info, int level) {
  if (level < 0 && strstr(info->err->jpeg_message_table[info->err->msg_code] ? info->err->jpeg_message_table[info->err->msg_code] : "",
                          "Premature end of JPEG file"))
    ((crn_jpeg *)info->client_data)->ends_early = 1;
}

static boolean decode_mcu(j_decompress_ptr jpeg, JBLOCKROW *blocks) {
  crn_jpeg *decoder = jpeg->client_data;
  if (!crn_huffman_mcu(&decoder->huffman, jpeg, blocks)) {
    decoder->is_odd = 1;
    longjmp(decoder->failed, 1);
  }
  return TRUE;
}

static void quiet(j_common_ptr info) { (void)info; }

EXPORT void crn_jpeg_close(crn_jpeg *decoder) {
  if (!decoder) return;
  if (!setjmp(decoder->failed)) jpeg_destroy_decompress(&decoder->jpeg);
  crn_huffman_free(&decoder->huffman);
  free(decoder);
}

/* NULL where libjpeg is of another version than the one compiled for, or memory is out. */
EXPORT crn_jpeg *crn_jpeg_open(void) {
  crn_jpeg *volatile decoder = calloc(1, sizeof *decoder);
  if (!decoder) return NULL;
  decoder->jpeg.err = jpeg_std_error(&decoder->errors);
  decoder->errors.error_exit = fail;
  decoder->errors.emit_message = warn;
  decoder->errors.output_message = quiet;
  decoder->jpeg.client_data = decoder;
  if (setjmp(decoder->failed)) {
    free(decoder);
    return NULL;
  }
  jpeg_create_decompress(&decoder->jpeg);
  decoder->jpeg.client_data = decoder;
  return decoder;
}

/* Leaves the image, so that the decoder may be used again. */
static int leave(crn_jpeg *decoder, int result) {
  jpeg_abort_decompress(&decoder->jpeg);
  return result;
}

/* As crn_jpeg_decode; where own is set, entropy-coded data are read by our own decoder, which sets is_odd where it gives up. */
static int decode(crn_jpeg *decoder, const unsigned char *bytes, size_t length, int reduction, int *left, int *width, int top, int height,
                  unsigned char *rgb, size_t capacity, int own) {
  struct jpeg_decompress_struct *jpeg = &decoder->jpeg;
  JDIMENSION offset = (JDIMENSION)*left, columns = (JDIMENSION)*width;
  decoder->ends_early = 0;
  if (setjmp(decoder->failed)) return -1;
  jpeg_mem_src(jpeg, bytes, (unsigned long)length);
  if (jpeg_read_header(jpeg, TRUE) != JPEG_HEADER_OK) return leave(decoder, 0);
  if (jpeg->jpeg_color_space != JCS_YCbCr && jpeg->jpeg_color_space != JCS_GRAYSCALE && jpeg->jpeg_color_space != JCS_RGB)
    return leave(decoder, 0);
  jpeg->progress = &progress;
  jpeg->out_color_space = JCS_RGB;
  jpeg->scale_num = 1;
  jpeg->scale_denom = (unsigned)reduction;
  jpeg_start_decompress(jpeg);
  if (own && crn_huffman_begin(&decoder->huffman, jpeg)) jpeg->entropy->decode_mcu = decode_mcu;
  if (*left < 0 || *width < 1 || top < 0 || height < 1 || offset + columns > jpeg->output_width ||
      (JDIMENSION)top + (JDIMENSION)height > jpeg->output_height)
    return leave(decoder, 0);
  jpeg_crop_scanline(jpeg, &offset, &columns);
  if ((size_t)columns * 3 * (size_t)height > capacity) return leave(decoder, 0);
  if (top > 0 && jpeg_skip_scanlines(jpeg, (JDIMENSION)top) != (JDIMENSION)top) return leave(decoder, 0);
  for (int y = 0; y < height;) {
    JSAMPROW row = rgb + (size_t)y * columns * 3;
    y += (int)jpeg_read_scanlines(jpeg, &row, 1);
  }
  *left = (int)offset;
  *width = (int)columns;
  return leave(decoder, !decoder->ends_early);
}

/* Decodes at 1 / reduction (1, 2, 4 or 8) the columns from *left on, at least *width of them, and height rows from top on, of
 * an image of the colours grey, YCbCr or RGB. *left and *width become what was decoded, in whole blocks; rgb receives
 * [height, *width, 3] and has room for capacity bytes. 1 where it did; 0 where the image cannot be decoded so; -1 where it is
 * damaged, and the decoder spent. */
EXPORT int crn_jpeg_decode(crn_jpeg *decoder, const unsigned char *bytes, size_t length, int reduction, int *left, int *width,
                           int top, int height, unsigned char *rgb, size_t capacity) {
  int offset = *left, columns = *width;
  decoder->is_odd = 0;
  int done = decode(decoder, bytes, length, reduction, left, width, top, height, rgb, capacity, 1);
  if (!decoder->is_odd) return done;
  jpeg_abort_decompress(&decoder->jpeg);
  *left = offset;
  *width = columns;
  return decode(decoder, bytes, length, reduction, left, width, top, height, rgb, capacity, 0);
}
