// See forward/README.md.
#pragma once
