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
     {{0, 0}, {1, 0}, {1, 32}, {1, 40}, {1, 48}, {1, 72}, {2, 0}, {2, 8}, {2, 16}, {3, 56}, {3, 80}, {3, 104}, {3, 112}}},
    {"product_gate", {{0, 0}, {1, 0}, {1, 32}, {1, 40}, {1, 72}, {3, 80}, {3, 112}}},
    {"product_rotate", {{0, 0}, {1, 0}, {1, 32}, {1, 40}, {1, 48}, {1, 72}, {3, 56}, {3, 80}, {3, 112}}},
    {"product_add_norm", {{0, 0}, {1, 0}, {1, 32}, {1, 72}, {3, 64}, {3, 80}, {3, 104}, {3, 112}}},
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

static uint64_t address_in(void** parameters, int parameter, int offset) {
    uint64_t value;
    memcpy(&value, (const char*) parameters[parameter] + offset, sizeof value);
    return value;
}

// EndingKind of product_ending.cuh, and where that has sums of squares and results.
enum { ENDING_ROTATE, ENDING_GATE, ENDING_ADD_NORM };
enum { ENDING_PARAMETER = 3, ENDING_SQUARES = 80, ENDING_OUT = 112 };

// What a product does with its projection; -1 for other kernels.
static int ending_of(const char* name, void** parameters) {
    static const char* const NAMES[] = {"product_rotate", "product_gate", "product_add_norm"};
    if (strncmp(name, "product_adapted", 15) == 0) {
        return *(int*) parameters[ENDING_PARAMETER];
    }
    for (int kind = ENDING_ROTATE; kind <= ENDING_ADD_NORM; kind++) {
        if (strncmp(name, NAMES[kind], strlen(NAMES[kind])) == 0) {
            return kind;
        }
    }
    return -1;
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
