// What the stand-in of the CUDA driver knows of the kernels' parameters.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { MOST_ADDRESSES = 13 };

// Where the kernels' parameters have addresses, as places of 8 bytes: the number of the parameter, and for structs the
// offset in it. Names are beginnings of names; the first that fits counts.
static const struct {
    const char* name;
    struct {
        int parameter, offset;
    } at[MOST_ADDRESSES];
} ADDRESSES[] = {
    {"upload_step", {{0, 0}, {1, 0}}},
    {"embed", {{0, 0}, {1, 0}, {2, 0}, {4, 0}}},
    {"rms_norm", {{0, 0}, {1, 0}, {2, 0}, {5, 0}}},
    {"gather_outputs", {{0, 0}, {1, 0}, {2, 0}}},
    {"shrink", {{0, 0}, {1, 0}, {2, 0}}},
    {"expand_logits", {{0, 0}, {1, 0}, {2, 0}}},
    {"gate", {{0, 0}, {1, 0}, {2, 0}, {3, 0}}},
    {"rotate", {{0, 0}, {1, 0}, {3, 0}}},
    {"add_norm", {{0, 0}, {1, 0}, {3, 0}, {4, 0}, {5, 0}}},
    {"matvec_shrink", {{0, 0}, {1, 0}, {1, 8}, {1, 32}, {2, 0}}},
    {"matvec", {{0, 0}, {1, 0}, {1, 8}, {1, 32}}},
    {"decode_product", {{0, 0}, {1, 0}, {1, 8}, {1, 32}, {1, 72}}},
    {"product_adapted",
     {{0, 0}, {1, 0}, {1, 32}, {1, 40}, {1, 48}, {1, 72}, {2, 0}, {2, 8}, {2, 16}, {4, 48}, {6, 0}, {7, 0}, {8, 0}}},
    {"product_gate", {{0, 0}, {1, 0}, {1, 32}, {1, 40}, {1, 72}, {3, 0}, {4, 0}}},
    {"product_rotate", {{0, 0}, {1, 0}, {1, 32}, {1, 40}, {1, 48}, {1, 72}, {3, 48}, {4, 0}, {5, 0}}},
    {"product_add_norm", {{0, 0}, {1, 0}, {1, 32}, {1, 72}, {4, 0}, {5, 0}, {6, 0}}},
    {"prompt_product", {{0, 0}, {1, 0}, {1, 8}, {1, 32}}},
    {"attention", {{0, 0}, {1, 0}, {1, 8}, {1, 72}, {1, 80}}},
    {"head", {{0, 0}, {1, 0}, {3, 0}}},
    {"sampler_upload", {{0, 0}, {1, 0}}},
    {"sampler_scan", {{0, 0}, {2, 0}, {3, 0}, {4, 0}}},
    {"sampler_weigh", {{0, 0}, {2, 0}, {3, 0}, {4, 0}}},
    {"sampler_narrow", {{0, 0}, {2, 0}, {3, 0}, {4, 0}}},
    {"sampler_choose", {{0, 0}, {2, 0}, {3, 0}, {4, 0}, {7, 0}, {8, 0}, {9, 0}}},
    {"sampler_clear", {{0, 0}}},
    {"sampler", {{0, 0}, {1, 0}}},
    {"cast", {{0, 0}}},
    {"move", {{0, 0}}},
};

static uint64_t address_in(void** parameters, int parameter) {
    uint64_t value;
    memcpy(&value, parameters[parameter], sizeof value);
    return value;
}

// ProductEnding of product_adapted.cuh.
enum { ENDING_ROTATE, ENDING_GATE, ENDING_ADD_NORM };

// What a product with adapters does with its projection; -1 for other kernels.
static int ending_of_adapted(const char* name, void** parameters) {
    return strncmp(name, "product_adapted", 15) == 0 ? *(int*) parameters[3] : -1;
}

// Which parameter of a product is the rows that it leaves without their factors, or -1.
static int parameter_of_unfinished(const char* name, void** parameters) {
    if (strncmp(name, "product_adapted", 15) == 0) {
        return ending_of_adapted(name, parameters) == ENDING_ADD_NORM ? 8 : -1;
    }
    return strncmp(name, "product_add_norm", 16) == 0 ? 6 : -1;
}

// Which parameter of another product says how it finishes the norm of its rows, or -1.
static int parameter_of_squares(const char* name) {
    if (strncmp(name, "product_adapted", 15) == 0) {
        return 6;
    }
    return strncmp(name, "product_gate", 12) == 0 ? 3 : strncmp(name, "product_rotate", 14) == 0 ? 4 : -1;
}

// Which parameter of a kernel that knows nothing of such rows is, or begins with, the rows that it reads, or -1.
static int parameter_of_rows(const char* name) {
    static const struct {
        const char* name;
        int parameter;
    } ROWS[] = {{"decode_product", 1}, {"matvec", 1}, {"prompt_product", 1}, {"shrink", 2}, {"gather_outputs", 1}};
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        if (strncmp(name, ROWS[i].name, strlen(ROWS[i].name)) == 0) {
            return ROWS[i].parameter;
        }
    }
    return -1;
}
