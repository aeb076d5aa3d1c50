// Frames of video files through FFmpeg's libraries, as they are shown and when.
#ifndef CVIDEO_H
#define CVIDEO_H

#include <stdint.h>

/// A video that is read from its start to its end.
typedef struct cv_video cv_video;

enum {
  CV_END = 0,
  CV_FRAME = 1,
  CV_NO_MEMORY = -1,
};

/// What is wrong with a file that cannot be opened.
enum {
  CV_OPENED = 0,
  CV_UNREADABLE = 1,  // no file, or of no format that is known
  CV_NO_VIDEO = 2,    // sound alone, say
  CV_NO_DECODER = 3,  // of a format that this FFmpeg cannot decode
};

/// Opens the video of a file, to be decoded by so many threads; NULL with a reason where that fails. No other file and
/// no address that the file names is opened.
cv_video *cv_open(const char *path, int32_t threads, int32_t *reason);
void cv_close(cv_video *video);

/// Seconds that the file says it has, where its last frame goes long before: it is damaged or cut short. Else 0.
double cv_lacking(const cv_video *video);

/// Goes to a frame that is shown at a time or before, from which others can be decoded; 0 where the file cannot do that.
int32_t cv_seek(cv_video *video, double seconds);
/// Goes to the next frame: CV_FRAME, CV_END, or CV_NO_MEMORY.
int32_t cv_next(cv_video *video);

// Of the frame that was gone to:

/// When it comes and when it goes, in seconds after the start of the file.
double cv_start(const cv_video *video);
double cv_end(const cv_video *video);
/// Size upright, of square pixels; 0 of a frame that has no size.
int32_t cv_width(const cv_video *video);
int32_t cv_height(const cv_video *video);
/// Red, green and blue upright, [height][width][3]; 0, or CV_NO_MEMORY.
int32_t cv_pixels(cv_video *video, uint8_t *out);

#endif
