#include "lettering.h"

#include <math.h>
#include <pango/pangocairo.h>
#include <stdlib.h>
#include <string.h>

// The first family that has a letter is taken, then any font of the machine.
static const char families[] = "Noto Sans,Helvetica Neue,DejaVu Sans,sans-serif";

// A layout with everything but the context's hints, which would make sizes depend on the screen.
static PangoLayout *layout_of(const char *text, int32_t length, const cl_style *style) {
  PangoContext *context = pango_font_map_create_context(pango_cairo_font_map_get_default());
  cairo_font_options_t *options = cairo_font_options_create();
  cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
  cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
  cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
  pango_cairo_context_set_font_options(context, options);
  cairo_font_options_destroy(options);
  pango_context_set_round_glyph_positions(context, FALSE);
  PangoLayout *layout = pango_layout_new(context);
  g_object_unref(context);
  PangoFontDescription *font = pango_font_description_new();
  pango_font_description_set_family_static(font, families);
  pango_font_description_set_absolute_size(font, style->size * PANGO_SCALE);
  pango_layout_set_font_description(layout, font);
  pango_font_description_free(font);
  pango_layout_set_text(layout, text, length);
  pango_layout_set_wrap(layout, PANGO_WRAP_WORD_CHAR);
  pango_layout_set_ellipsize(layout, PANGO_ELLIPSIZE_END);
  pango_layout_set_height(layout, -style->lines);
  int whole = 0;
  pango_layout_get_size(layout, &whole, NULL);
  double room = fmin(fmax(style->room, 1), 16000);
  // Lines of the other direction start at the right end of the room; one that fits has no more room than it needs.
  if (style->lines > 1 || whole > room * PANGO_SCALE) pango_layout_set_width(layout, (int)(room * PANGO_SCALE));
  return layout;
}

static void copy_pixels(cairo_surface_t *surface, cl_text *out) {
  cairo_surface_flush(surface);
  const unsigned char *rows = cairo_image_surface_get_data(surface);
  const int stride = cairo_image_surface_get_stride(surface);
  for (int y = 0; y < out->height; y++) {
    for (int x = 0; x < out->width; x++) {
      uint32_t pixel;
      memcpy(&pixel, rows + (size_t)y * stride + (size_t)x * 4, 4);
      uint8_t *to = out->pixels + ((size_t)y * out->width + x) * 4;
      to[0] = pixel >> 16 & 255;
      to[1] = pixel >> 8 & 255;
      to[2] = pixel & 255;
      to[3] = pixel >> 24;
    }
  }
}

static int32_t draw(PangoLayout *layout, double baseline, const cl_style *style, cl_text *out) {
  cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_ARGB32, out->width, out->height);
  cairo_t *cairo = cairo_create(surface);
  cairo_translate(cairo, -out->left, -out->top - baseline);
  cairo_set_source_rgb(
      cairo, (style->color >> 16 & 255) / 255.0, (style->color >> 8 & 255) / 255.0, (style->color & 255) / 255.0);
  pango_cairo_show_layout(cairo, layout);
  const int32_t failed = cairo_status(cairo) != CAIRO_STATUS_SUCCESS;
  cairo_destroy(cairo);
  if (!failed) copy_pixels(surface, out);
  cairo_surface_destroy(surface);
  return failed ? -1 : 0;
}

int32_t cl_set(const char *text, int32_t length, const cl_style *style, cl_text *out) {
  memset(out, 0, sizeof *out);
  PangoLayout *layout = layout_of(text, length, style);
  PangoRectangle ink, logical;
  pango_layout_get_pixel_extents(layout, &ink, &logical);
  const double baseline = floor((double)pango_layout_get_baseline(layout) / PANGO_SCALE + 0.5);
  const int left = ink.x < logical.x ? ink.x : logical.x;
  const int top = ink.y < logical.y ? ink.y : logical.y;
  const int right = ink.x + ink.width > logical.x + logical.width ? ink.x + ink.width : logical.x + logical.width;
  const int bottom =
      ink.y + ink.height > logical.y + logical.height ? ink.y + ink.height : logical.y + logical.height;
  out->left = left - 1;
  out->top = top - 1 - (int32_t)baseline;
  out->width = right - left + 2;
  out->height = bottom - top + 2;
  out->lines = pango_layout_get_line_count(layout);
  out->advance = logical.width;
  out->leading = (double)logical.height / (out->lines > 0 ? out->lines : 1);
  out->unknown = pango_layout_get_unknown_glyphs_count(layout);
  out->pixels = calloc((size_t)out->width * out->height, 4);
  const int32_t failed = out->pixels == NULL ? -1 : draw(layout, baseline, style, out);
  g_object_unref(layout);
  if (failed) cl_free(out);
  return failed;
}

void cl_free(cl_text *text) {
  free(text->pixels);
  text->pixels = NULL;
}

const char *cl_pango_version(void) { return pango_version_string(); }

const char *cl_cairo_version(void) { return cairo_version_string(); }
