// Text as pixels through Pango and Cairo: every script, from right to left too, with the fonts of the machine.
#ifndef CLETTERING_H
#define CLETTERING_H

#include <stdint.h>

/// How a text is set.
typedef struct {
  double size;     // of the letters, in pixels
  double room;     // width at most, in pixels
  int32_t lines;   // at most; what is longer ends in an ellipsis
  uint32_t color;  // 0xRRGGBB
} cl_style;

/// A text as it was set. Places are in pixels, y downwards, from the start of the first base line.
typedef struct {
  int32_t left, top, width, height;  // the rectangle that holds all ink
  double advance;                    // width of the widest line
  double leading;                    // from one base line to the next
  int32_t lines;
  int32_t unknown;  // glyphs that no font has
  uint8_t *pixels;  // red, green, blue and opacity of each pixel, colors multiplied by the opacity; `cl_free` it
} cl_text;

/// Sets `length` bytes of UTF-8; returns 0, or -1 where memory does not suffice.
int32_t cl_set(const char *text, int32_t length, const cl_style *style, cl_text *out);

/// Frees the pixels of a text.
void cl_free(cl_text *text);

/// The versions of Pango and Cairo; they live as long as the program.
const char *cl_pango_version(void);
const char *cl_cairo_version(void);

#endif
