#include "video.h"

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/display.h>
#include <libavutil/imgutils.h>
#include <libswscale/swscale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct cv_video {
  AVIOContext *bytes;
  AVFormatContext *file;
  AVCodecContext *decoder;
  AVStream *stream;
  AVPacket *packet;
  AVFrame *current, *next;
  double start, following, last;  // of the current frame, of the next, and how long the last one takes
  int has_next, is_draining, is_broken;
  int quarters;  // by which frames are turned clockwise to stand upright
  struct SwsContext *scaler;
};

// Phones write frames as the sensor has them, with a matrix of how they are to be turned.
static int quarters_of(const AVStream *stream) {
  const int32_t *matrix = NULL;
#if LIBAVFORMAT_VERSION_MAJOR >= 61
  const AVPacketSideData *side = av_packet_side_data_get(
      stream->codecpar->coded_side_data, stream->codecpar->nb_coded_side_data, AV_PKT_DATA_DISPLAYMATRIX);
  if (side && side->size >= 9 * sizeof(int32_t)) matrix = (const int32_t *)side->data;
#else
  size_t size = 0;
  const uint8_t *data = av_stream_get_side_data(stream, AV_PKT_DATA_DISPLAYMATRIX, &size);
  if (data && size >= 9 * sizeof(int32_t)) matrix = (const int32_t *)data;
#endif
  const double degrees = matrix ? av_display_rotation_get(matrix) : 0;  // against the clock
  return isfinite(degrees) ? (int)(((long)lround(-degrees / 90) % 4 + 4) % 4) : 0;
}

static int32_t open_decoder(cv_video *video, int32_t threads) {
  const int index = av_find_best_stream(video->file, AVMEDIA_TYPE_VIDEO, -1, -1, NULL, 0);
  if (index < 0) {
    for (unsigned other = 0; other < video->file->nb_streams; other++)
      if (video->file->streams[other]->codecpar->codec_id != AV_CODEC_ID_NONE) return CV_NO_VIDEO;
    return CV_UNREADABLE;
  }
  video->stream = video->file->streams[index];
  if (video->stream->codecpar->codec_id == AV_CODEC_ID_NONE) return CV_UNREADABLE;
  const AVCodec *codec = avcodec_find_decoder(video->stream->codecpar->codec_id);
  if (!codec) return CV_NO_DECODER;
  video->decoder = avcodec_alloc_context3(codec);
  video->packet = av_packet_alloc();
  video->current = av_frame_alloc();
  video->next = av_frame_alloc();
  if (!video->decoder || !video->packet || !video->current || !video->next) return CV_UNREADABLE;
  if (avcodec_parameters_to_context(video->decoder, video->stream->codecpar) < 0) return CV_NO_DECODER;
  video->decoder->pkt_timebase = video->stream->time_base;
  video->decoder->thread_count = threads < 1 ? 1 : threads;
  if (avcodec_open2(video->decoder, codec, NULL) < 0) return CV_NO_DECODER;
  for (unsigned other = 0; other < video->file->nb_streams; other++)
    if ((int)other != index) video->file->streams[other]->discard = AVDISCARD_ALL;
  video->quarters = quarters_of(video->stream);
  return CV_OPENED;
}

cv_video *cv_open(const char *path, int32_t threads, int32_t *reason) {
  av_log_set_level(AV_LOG_QUIET);
  *reason = CV_UNREADABLE;
  cv_video *video = calloc(1, sizeof *video);
  if (!video) return NULL;
  // A name of its own kind, so that one with a colon is not taken for an address.
  const size_t room = strlen(path) + 6;
  char *address = malloc(room);
  int opened = -1;
  if (address) {
    snprintf(address, room, "file:%s", path);
    opened = avio_open2(&video->bytes, address, AVIO_FLAG_READ, NULL, NULL);
  }
  if (opened >= 0 && (video->file = avformat_alloc_context())) {
    // The bytes are open already: what a list of other files names is not.
    AVDictionary *options = NULL;
    av_dict_set(&options, "protocol_whitelist", "none", 0);
    video->file->pb = video->bytes;
    opened = avformat_open_input(&video->file, address, NULL, &options);
    av_dict_free(&options);
  } else {
    opened = -1;
  }
  free(address);
  if (opened >= 0 && avformat_find_stream_info(video->file, NULL) >= 0) *reason = open_decoder(video, threads);
  if (*reason == CV_OPENED) return video;
  cv_close(video);
  return NULL;
}

void cv_close(cv_video *video) {
  if (!video) return;
  sws_freeContext(video->scaler);
  av_frame_free(&video->current);
  av_frame_free(&video->next);
  av_packet_free(&video->packet);
  avcodec_free_context(&video->decoder);
  avformat_close_input(&video->file);
  avio_closep(&video->bytes);
  free(video);
}

double cv_lacking(const cv_video *video) {
  const AVStream *stream = video->stream;
  const int64_t own = stream->duration, whole = video->file->duration;
  double told = 0;
  if (own != AV_NOPTS_VALUE && own > 0)
    told = own * av_q2d(stream->time_base);
  else if ((video->is_broken || video->file->nb_streams == 1) && whole != AV_NOPTS_VALUE && whole > 0)
    told = whole / (double)AV_TIME_BASE;  // of the sound too, which may be longer
  return cv_end(video) < 0.9 * told - 0.1 ? told : 0;
}

// Seconds of the time stamp with which the file starts.
static double origin(const cv_video *video) {
  return video->file->start_time == AV_NOPTS_VALUE ? 0 : video->file->start_time / (double)AV_TIME_BASE;
}

int32_t cv_seek(cv_video *video, double seconds) {
  const double stamp = (seconds + origin(video)) / av_q2d(video->stream->time_base);
  if (!isfinite(stamp) || fabs(stamp) > 9e18) return 0;
  if (av_seek_frame(video->file, video->stream->index, (int64_t)stamp, AVSEEK_FLAG_BACKWARD) < 0) return 0;
  avcodec_flush_buffers(video->decoder);
  av_frame_unref(video->next);
  video->has_next = video->is_draining = 0;
  return 1;
}

// Decodes a frame. What is damaged is left out, as players do.
static int32_t decode(cv_video *video, AVFrame *into) {
  for (;;) {
    int found = avcodec_receive_frame(video->decoder, into);
    if (found == 0) return CV_FRAME;
    if (found == AVERROR(ENOMEM)) return CV_NO_MEMORY;
    if (found != AVERROR(EAGAIN) && found != AVERROR_EOF) video->is_broken = 1;
    if (found == AVERROR_EOF || video->is_draining) return CV_END;
    found = av_read_frame(video->file, video->packet);
    if (found < 0) {
      if (found == AVERROR(ENOMEM)) return CV_NO_MEMORY;
      if (found != AVERROR_EOF) video->is_broken = 1;
      video->is_draining = 1;
      avcodec_send_packet(video->decoder, NULL);
      continue;
    }
    if (video->packet->stream_index == video->stream->index) {
      if (video->packet->flags & AV_PKT_FLAG_CORRUPT) video->is_broken = 1;
      found = avcodec_send_packet(video->decoder, video->packet);
      if (found < 0 && found != AVERROR(EAGAIN)) video->is_broken = 1;
    }
    av_packet_unref(video->packet);
    if (found == AVERROR(ENOMEM)) return CV_NO_MEMORY;
  }
}

// How long a frame takes where no other follows.
static double duration_of(const cv_video *video, const AVFrame *frame) {
#if LIBAVUTIL_VERSION_INT >= AV_VERSION_INT(57, 30, 100)
  const int64_t ticks = frame->duration;
#else
  const int64_t ticks = frame->pkt_duration;
#endif
  if (ticks > 0) return ticks * av_q2d(video->stream->time_base);
  const AVRational rate = video->stream->avg_frame_rate;
  return rate.num > 0 && rate.den > 0 ? rate.den / (double)rate.num : 0.04;
}

// When a frame comes; where its file does not say, after the one before it.
static double start_of(const cv_video *video, const AVFrame *frame, double otherwise) {
  const int64_t stamp = frame->best_effort_timestamp;
  return stamp == AV_NOPTS_VALUE ? otherwise : stamp * av_q2d(video->stream->time_base) - origin(video);
}

int32_t cv_next(cv_video *video) {
  int32_t found = CV_FRAME;
  if (!video->has_next) {
    found = decode(video, video->next);
    if (found != CV_FRAME) return found;
    video->following = start_of(video, video->next, 0);
  }
  AVFrame *former = video->current;
  av_frame_unref(former);
  video->current = video->next;
  video->next = former;
  video->start = video->following;
  video->last = duration_of(video, video->current);
  found = decode(video, video->next);
  video->has_next = found == CV_FRAME;
  // Frames are shown one after the other, whatever their stamps say.
  if (video->has_next)
    video->following = fmax(video->start, start_of(video, video->next, video->start + video->last));
  return found == CV_NO_MEMORY ? found : CV_FRAME;
}

double cv_start(const cv_video *video) { return video->start; }
double cv_end(const cv_video *video) { return video->has_next ? video->following : video->start + video->last; }

// Width of a frame as it is stored, with square pixels.
static int width_of(const cv_video *video) {
  const AVFrame *frame = video->current;
  AVRational shape = frame->sample_aspect_ratio;
  if (shape.num <= 0 || shape.den <= 0) shape = video->stream->sample_aspect_ratio;
  if (shape.num <= 0 || shape.den <= 0) return frame->width;
  const double width = round(frame->width * av_q2d(shape));
  return width >= 1 && width <= 8.0 * frame->width ? (int)width : frame->width;
}

int32_t cv_width(const cv_video *video) {
  return video->quarters % 2 ? video->current->height : width_of(video);
}
int32_t cv_height(const cv_video *video) {
  return video->quarters % 2 ? width_of(video) : video->current->height;
}

int32_t cv_pixels(cv_video *video, uint8_t *out) {
  const AVFrame *frame = video->current;
  const int width = width_of(video), height = frame->height;
  video->scaler = sws_getCachedContext(video->scaler, frame->width, height, frame->format, width, height, AV_PIX_FMT_RGB24,
                                       SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT, NULL, NULL, NULL);
  if (!video->scaler) return CV_NO_MEMORY;
  // What is not said is as televisions have it: by the size.
  const int space = frame->colorspace == AVCOL_SPC_UNSPECIFIED || frame->colorspace == AVCOL_SPC_RGB
                        ? (height >= 720 ? SWS_CS_ITU709 : SWS_CS_ITU601)
                        : (int)frame->colorspace;
  sws_setColorspaceDetails(video->scaler, sws_getCoefficients(space), frame->color_range == AVCOL_RANGE_JPEG,
                           sws_getCoefficients(SWS_CS_DEFAULT), 1, 0, 1 << 16, 1 << 16);
  // Rows with room behind them, as the scaler may write in whole vectors.
  const size_t row = ((size_t)width * 3 + 63) / 64 * 64;
  uint8_t *plain = av_malloc(row * height + 64);
  if (!plain) return CV_NO_MEMORY;
  uint8_t *planes[4] = {plain};
  const int strides[4] = {(int)row};
  const int scaled =
      sws_scale(video->scaler, (const uint8_t *const *)frame->data, frame->linesize, 0, height, planes, strides);
  for (int y = 0; scaled > 0 && y < height; y++)
    for (int x = 0; x < width; x++) {
      int to_x = x, to_y = y, across = width;
      switch (video->quarters) {
        case 1: to_x = height - 1 - y, to_y = x, across = height; break;
        case 2: to_x = width - 1 - x, to_y = height - 1 - y; break;
        case 3: to_x = y, to_y = width - 1 - x, across = height; break;
      }
      memcpy(out + ((size_t)to_y * across + to_x) * 3, plain + y * row + (size_t)x * 3, 3);
    }
  av_free(plain);
  return scaled > 0 ? 0 : CV_NO_MEMORY;
}
