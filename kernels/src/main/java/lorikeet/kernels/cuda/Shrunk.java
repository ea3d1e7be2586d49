package lorikeet.kernels.cuda;

/** How shrunk inputs wait for the kernel that expands them. */
enum Shrunk {
    /** As partial sums over the inputs' splits. */
    IN_SPLITS,

    /** Added up, for what {@link WholeProjections} launches. */
    WHOLE,

    /** As partial sums that the blocks of one launch leave to one another. */
    LEFT
}
