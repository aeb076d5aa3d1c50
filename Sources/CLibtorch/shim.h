// libtorch is C++: CTorch includes it; this module only carries its pkg-config flags.
