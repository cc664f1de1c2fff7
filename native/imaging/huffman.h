/* Reads the entropy-coded data of a plain baseline JPEG image faster than libjpeg-turbo: the data are freed of
 * their stuffing first, and a short code is looked up together with the number that follows it. What is odd in any way is
 * left to libjpeg: the caller decodes the image again without this. */
#ifndef CRN_HUFFMAN_H
#define CRN_HUFFMAN_H

#include <stdint.h>
#include <stdio.h>

#include <jpeglib.h>

#define CRN_LOOK_BITS 11
#define CRN_TABLES 4

typedef struct {
  UINT8 bits[17], symbols[256];     /* What the table was made from, as in the file. */
  int is_dc, is_made;
  uint32_t look[1 << CRN_LOOK_BITS];
  int32_t largest[18], offset[18];  /* Of the codes of each length: the largest, and from a code to its symbol. */
} crn_table;

typedef struct {
  uint64_t window;                  /* The next bits, from the highest down. */
  int count;                        /* How many of them are there. */
  const unsigned char *next;
} crn_bits;

typedef struct {
  unsigned char *data;
  size_t capacity, length;
  crn_bits bits;
  crn_table tables[CRN_TABLES];
  const crn_table *dc[D_MAX_BLOCKS_IN_MCU], *ac[D_MAX_BLOCKS_IN_MCU];
  int32_t last_dc[MAX_COMPS_IN_SCAN];
} crn_huffman;

/* Prepares for the scan that jpeg_start_decompress has begun; 0 where it is not of the kind that is read here. */
int crn_huffman_begin(crn_huffman *huffman, j_decompress_ptr jpeg);

/* The coefficients of the next MCU, into blocks that are zero; blocks may be NULL. 0 where the data are odd. */
int crn_huffman_mcu(crn_huffman *huffman, j_decompress_ptr jpeg, JBLOCKROW *blocks);

void crn_huffman_free(crn_huffman *huffman);

#endif
