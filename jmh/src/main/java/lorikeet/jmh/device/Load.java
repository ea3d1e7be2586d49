package lorikeet.jmh.device;

import java.util.Arrays;

/**
 * What a step has to do, written as {@code rows/adapters}, such as {@code 32/8}.
 *
 * @param rows requests of a decode step, or tokens of prompts
 * @param adapters different adapters; 0 for the base model alone
 */
record Load(int rows, int adapters) {
    static Load parse(String text) {
        int slash = text.indexOf('/');
        return new Load(Integer.parseInt(text.substring(0, slash)), Integer.parseInt(text.substring(slash + 1)));
    }

    /** For each row its adapter by number, ascending; -1 for the base model. */
    int[] adapterOfRow(Mix mix) {
        int[] result = new int[rows];
        if (adapters == 0) {
            Arrays.fill(result, -1);
            return result;
        }
        int[] counts = mix.counts(rows, adapters);
        int row = 0;
        for (int adapter = 0; adapter < adapters; adapter++) {
            for (int i = 0; i < counts[adapter]; i++) {
                result[row++] = adapter;
            }
        }
        return result;
    }
}
