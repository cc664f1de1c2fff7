#include "huffman.h"

#include <stdlib.h>
#include <string.h>

/* An MCU of ten blocks takes less, whatever is in it: the end of the data is looked for once an MCU. */
#define PADDING 4096

#define ALWAYS_INLINE inline __attribute__((always_inline))

/* Entries of a table: what to drop, the number that follows the code and how many zeros come before it; or what to drop, and
 * the code's symbol; or 0 for codes that are longer. */
#define NUMBER (1u << 12)
#define SYMBOL (2u << 12)

static const unsigned char natural_order[64] = {
    0,  1,  8,  16, 9,  2,  3,  10, 17, 24, 32, 25, 18, 11, 4,  5,  12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6,  7,  14, 21, 28,
    35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63};

/* F.2.2.1 of ITU-T T.81: the upper half of the numbers of so many bits is positive. */
static ALWAYS_INLINE int32_t extend(uint32_t number, int bits) {
  return (int32_t)number < (1 << (bits - 1)) ? (int32_t)number - (1 << bits) + 1 : (int32_t)number;
}

static ALWAYS_INLINE void refill(crn_bits *in) {
  uint64_t more;
  memcpy(&more, in->next, sizeof more);
  in->window |= __builtin_bswap64(more) >> in->count;
  in->next += (63 - in->count) >> 3;
  in->count |= 56;
}

static ALWAYS_INLINE void drop(crn_bits *in, int bits) {
  in->window <<= bits;
  in->count -= bits;
}

static uint32_t entry(const crn_table *table, int length, int symbol, uint32_t behind, int behind_bits) {
  int size = symbol & 15, run = table->is_dc ? 0 : symbol >> 4;
  if (table->is_dc && size == 0) return NUMBER | (uint32_t)length;
  if (size == 0 || size > behind_bits) return SYMBOL | (uint32_t)symbol << 16 | (uint32_t)length;
  int32_t number = extend(behind >> (behind_bits - size), size);
  return (uint32_t)number << 16 | NUMBER | (uint32_t)run << 8 | (uint32_t)(length + size);
}

/* 0 where the file's table is none. */
static int make(crn_table *table, const JHUFF_TBL *file, int is_dc) {
  if (!file) return 0;
  if (table->is_made && table->is_dc == is_dc && !memcmp(table->bits, file->bits, sizeof table->bits) &&
      !memcmp(table->symbols, file->huffval, sizeof table->symbols))
    return 1;
  table->is_made = 0;
  table->is_dc = is_dc;
  memcpy(table->bits, file->bits, sizeof table->bits);
  memcpy(table->symbols, file->huffval, sizeof table->symbols);
  memset(table->look, 0, sizeof table->look);
  int32_t code = 0, index = 0;
  for (int length = 1; length <= 16; length++) {
    table->offset[length] = index - code;
    for (int i = 0; i < table->bits[length]; i++, code++, index++) {
      if (index > 255 || code >= 1 << length) return 0;
      int symbol = table->symbols[index], behind = CRN_LOOK_BITS - length;
      if (is_dc && symbol > 15) return 0;
      for (uint32_t rest = 0; behind >= 0 && rest < 1u << behind; rest++)
        table->look[((uint32_t)code << behind) | rest] = entry(table, length, symbol, rest, behind);
    }
    table->largest[length] = table->bits[length] ? code - 1 : -1;
    code <<= 1;
  }
  return table->is_made = 1;
}

/* The symbol of a code that is too long for the table; -1 where there is no such code. */
static int long_symbol(crn_bits *in, const crn_table *table) {
  for (int length = CRN_LOOK_BITS + 1; length <= 16; length++) {
    int32_t code = (int32_t)(in->window >> (64 - length));
    if (table->largest[length] >= code && code + table->offset[length] >= 0) {
      drop(in, length);
      return table->symbols[(code + table->offset[length]) & 255];
    }
  }
  return -1;
}

/* A code that the table does not give with its number. 1: *number comes behind *run zeros; 2: no number, the end of the block
 * or, where *run is 15, sixteen zeros; 0: there is no such code. */
static int plain_next(crn_bits *in, const crn_table *table, uint32_t found, int32_t *number, int *run) {
  int symbol;
  refill(in);
  if (found & SYMBOL) {
    drop(in, found & 63);
    symbol = (found >> 16) & 255;
  } else if ((symbol = long_symbol(in, table)) < 0)
    return 0;
  int size = symbol & 15;
  *run = symbol >> 4;
  *number = 0;
  if (size == 0) return 2;
  *number = extend((uint32_t)(in->window >> (64 - size)), size);
  drop(in, size);
  return 1;
}

static ALWAYS_INLINE int read_block(crn_bits *in, const crn_table *dc, const crn_table *ac, int32_t *last_dc, JCOEF *block) {
  int32_t number;
  int run;
  refill(in);
  uint32_t found = dc->look[in->window >> (64 - CRN_LOOK_BITS)];
  if (found & NUMBER) {
    drop(in, found & 63);
    number = (int32_t)found >> 16;
  } else if (!plain_next(in, dc, found, &number, &run))
    return 0;
  *last_dc = (int32_t)((uint32_t)*last_dc + (uint32_t)number);
  /* libjpeg refuses sums that no picture has. */
  if (*last_dc < -32768 || *last_dc > 32767) return 0;
  if (block) block[0] = (JCOEF)*last_dc;
  for (int k = 1; k < 64;) {
    refill(in);
    /* So many numbers of the table's are in the window at least. */
    for (int i = 0; i < 56 / CRN_LOOK_BITS; i++) {
      found = ac->look[in->window >> (64 - CRN_LOOK_BITS)];
      if (!(found & NUMBER)) goto plain;
      drop(in, found & 63);
      k += (found >> 8) & 15;
      if (k > 63) return 0;
      if (block) block[natural_order[k]] = (JCOEF)(found >> 16);
      if (++k == 64) return 1;
    }
    continue;
  plain:
    switch (plain_next(in, ac, found, &number, &run)) {
      case 1:
        k += run;
        if (k > 63) return 0;
        if (block) block[natural_order[k]] = (JCOEF)number;
        k++;
        break;
      case 2:
        if (run != 15) return 1;
        k += 16;
        break;
      default:
        return 0;
    }
  }
  return 1;
}

/* Copies the scan without the zero behind each 0xFF, up to the marker that ends it. */
static int unstuff(crn_huffman *huffman, const unsigned char *from, size_t length) {
  if (huffman->capacity < length + PADDING) {
    free(huffman->data);
    huffman->capacity = 0;
    huffman->data = malloc(length + PADDING);
    if (!huffman->data) return 0;
    huffman->capacity = length + PADDING;
  }
  unsigned char *to = huffman->data;
  const unsigned char *end = from + length;
  while (from < end) {
    const unsigned char *mark = memchr(from, 0xFF, (size_t)(end - from));
    if (!mark) mark = end;
    memcpy(to, from, (size_t)(mark - from));
    to += mark - from;
    if (end - mark < 2 || mark[1] != 0) break;
    *to++ = 0xFF;
    from = mark + 2;
  }
  huffman->length = (size_t)(to - huffman->data);
  memset(to, 0, PADDING);
  huffman->bits.window = 0;
  huffman->bits.count = 0;
  huffman->bits.next = huffman->data;
  return 1;
}

int crn_huffman_begin(crn_huffman *huffman, j_decompress_ptr jpeg) {
  if (jpeg->progressive_mode || jpeg->arith_code || jpeg->restart_interval || jpeg->data_precision != 8 ||
      jpeg->comps_in_scan != jpeg->num_components || jpeg->blocks_in_MCU > D_MAX_BLOCKS_IN_MCU || jpeg->blocks_in_MCU < 1)
    return 0;
  for (int i = 0; i < jpeg->blocks_in_MCU; i++) {
    const jpeg_component_info *component = jpeg->cur_comp_info[jpeg->MCU_membership[i]];
    int dc = component->dc_tbl_no, ac = component->ac_tbl_no;
    if (dc < 0 || dc > 1 || ac < 0 || ac > 1 || !make(&huffman->tables[dc], jpeg->dc_huff_tbl_ptrs[dc], 1) ||
        !make(&huffman->tables[2 + ac], jpeg->ac_huff_tbl_ptrs[ac], 0))
      return 0;
    huffman->dc[i] = &huffman->tables[dc];
    huffman->ac[i] = &huffman->tables[2 + ac];
  }
  memset(huffman->last_dc, 0, sizeof huffman->last_dc);
  return unstuff(huffman, jpeg->src->next_input_byte, jpeg->src->bytes_in_buffer);
}

int crn_huffman_mcu(crn_huffman *huffman, j_decompress_ptr jpeg, JBLOCKROW *blocks) {
  crn_bits in = huffman->bits;
  for (int i = 0; i < jpeg->blocks_in_MCU; i++) {
    int32_t *last_dc = &huffman->last_dc[jpeg->MCU_membership[i]];
    if (!(blocks ? read_block(&in, huffman->dc[i], huffman->ac[i], last_dc, blocks[i][0])
                 : read_block(&in, huffman->dc[i], huffman->ac[i], last_dc, NULL)))
      return 0;
  }
  huffman->bits = in;
  return (size_t)(in.next - huffman->data) - (size_t)(in.count >> 3) <= huffman->length;
}

void crn_huffman_free(crn_huffman *huffman) { free(huffman->data); }
