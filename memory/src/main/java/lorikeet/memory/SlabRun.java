package lorikeet.memory;

/** Slabs that are neighbours in memory. */
record SlabRun(int first, int length) {}
