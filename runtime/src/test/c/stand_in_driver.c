// Stands in for the CUDA driver and cuBLASLt: keeps account of all that is asked of them and computes nothing, so that
// the host's side of a GPU can be tested where there is none. Everything is done at once, on the caller's thread.
//
// Device memory is host memory. Of the kernels only two do something: upload_step copies, and sampler_choose chooses
// tokens. What a driver would not forgive (memory that was freed, a handle that was closed, waiting while recording) is
// counted as a mistake and told on stderr.
#include <pthread.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stand_in_kernels.h"

enum { OK = 0, INVALID_VALUE = 1, OUT_OF_MEMORY = 2, ILLEGAL_ADDRESS = 700 };

// Of a block of a kernel that asks for it (an H100's), and of one that doesn't.
enum { SHARED_BYTES = 227 << 10, DEFAULT_SHARED_BYTES = 48 << 10 };

enum kind { DEVICE, PINNED, REGISTERED, STREAM, EVENT, MODULE, FUNCTION, GRAPH, RECORDING, HANDLE, CONTEXT, FREED };

// An address that a recorded kernel was given.
struct address {
    const char* kernel;
    uint64_t value;
    struct address* next;
};

struct object {
    enum kind kind;
    char* start;
    size_t bytes;
    int recording;
    uint64_t unfinished;  // rows in a stream that lack the factors of their norm
    struct address* recorded;
    char name[64];
    unsigned shared;  // of a block of a kernel, at most
    struct object* next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct object* objects;
static long used;
static long limit = 1L << 30;
static long mistakes;
static long replays;
static long batch_dependent;
static long finishing_products;
static long turning_products;
static long turning_adapted_products;
static long left_behind;
static int draw;

static void mistake(const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "stand-in driver: ");
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "\n");
    va_end(arguments);
    mistakes++;
}

static struct object* add(enum kind kind, void* start, size_t bytes) {
    struct object* object = calloc(1, sizeof *object);
    object->kind = kind;
    object->start = start ? start : (char*) object;
    object->bytes = bytes;
    object->next = objects;
    objects = object;
    return object;
}

static struct object* find(enum kind kind, const void* start) {
    for (struct object* at = objects; at; at = at->next) {
        if (at->kind == kind && at->start == start) {
            return at;
        }
    }
    return NULL;
}

static struct object* expect(enum kind kind, const void* start, const char* call) {
    struct object* object = find(kind, start);
    if (!object) {
        mistake("%s of %p, which is none or was closed", call, start);
    }
    return object;
}

// Memory may be given out again at the same address; of the rest, what was closed is kept, so that it is known as such.
static int drop(enum kind kind, const void* start, const char* call) {
    struct object* object = expect(kind, start, call);
    if (!object) {
        return INVALID_VALUE;
    }
    object->kind = FREED;
    if (kind != DEVICE && kind != PINNED && kind != REGISTERED) {
        return OK;
    }
    struct object** link = &objects;
    while (*link != object) {
        link = &(*link)->next;
    }
    *link = object->next;
    if (kind != REGISTERED) {
        free(object->start);
    }
    if (kind == DEVICE) {
        used -= (long) object->bytes;
    }
    free(object);
    return OK;
}

static int inside(enum kind kind, const char* start, size_t bytes) {
    for (struct object* at = objects; at; at = at->next) {
        if (at->kind == kind && start >= at->start && start + bytes <= at->start + at->bytes) {
            return 1;
        }
    }
    return 0;
}

static int on_device(uint64_t address, size_t bytes, const char* call) {
    if (bytes > 0 && !inside(DEVICE, (const char*) address, bytes)) {
        mistake("%s of %zu bytes at %p, which is no device memory", call, bytes, (void*) address);
        return 0;
    }
    return 1;
}

// Memory that a kernel may read and write where it is: device memory, or page-locked.
static int reachable(uint64_t address, size_t bytes, const char* call) {
    if (!inside(PINNED, (const char*) address, bytes) && !inside(DEVICE, (const char*) address, bytes)) {
        mistake("%s of %zu bytes at %p, which the device can't reach", call, bytes, (void*) address);
        return 0;
    }
    return 1;
}

static int must_not_record(void* stream, const char* call) {
    struct object* object = expect(STREAM, stream, call);
    if (object && object->recording) {
        mistake("%s while the stream records", call);
    }
    return object && !object->recording ? OK : INVALID_VALUE;
}

#define LOCKED(result)                                                                                               \
    do {                                                                                                             \
        pthread_mutex_lock(&lock);                                                                                   \
        int locked_result_ = (result);                                                                               \
        pthread_mutex_unlock(&lock);                                                                                 \
        return locked_result_;                                                                                       \
    } while (0)

// --- for tests

void stand_in_limit(long bytes) { limit = bytes; }

long stand_in_used(void) { return used; }

long stand_in_mistakes(void) { return mistakes; }

long stand_in_replays(void) { return replays; }

// Launches of kernels, and of products of the library, to which a row's bits depend on the other rows.
long stand_in_batch_dependent(void) { return batch_dependent; }

// Launches of products that finish a projection.
long stand_in_finishing_products(void) { return finishing_products; }

// Those of them that turn heads, without adapters and with them.
long stand_in_turning_products(void) { return turning_products; }
long stand_in_turning_adapted_products(void) { return turning_adapted_products; }

// What was open when its context went.
long stand_in_left_behind(void) { return left_behind; }

// What was opened and not closed, functions of modules apart, which nobody closes.
long stand_in_open(void) {
    long open = 0;
    pthread_mutex_lock(&lock);
    for (struct object* at = objects; at; at = at->next) {
        open += at->kind != FREED && at->kind != FUNCTION;
    }
    pthread_mutex_unlock(&lock);
    return open;
}

// --- the driver

int cuInit(unsigned flags) { return flags ? INVALID_VALUE : OK; }

int cuDriverGetVersion(int* version) { return *version = 13000, OK; }

int cuGetErrorName(int status, const char** name) {
    return *name = status == OUT_OF_MEMORY ? "CUDA_ERROR_OUT_OF_MEMORY" : "CUDA_ERROR_OTHER", OK;
}

int cuGetErrorString(int status, const char** text) {
    return *text = status == OUT_OF_MEMORY ? "out of memory" : "something else", OK;
}

int cuDeviceGetCount(int* count) { return *count = 1, OK; }

int cuDeviceGet(int* device, int ordinal) { return *device = ordinal, OK; }

int cuDeviceGetName(char* name, int length, int device) { return snprintf(name, length, "stand-in %d", device), OK; }

int cuDeviceTotalMem_v2(size_t* bytes, int device) { return *bytes = (size_t) limit, (void) device, OK; }

int cuDeviceGetAttribute(int* value, int attribute, int device) {
    (void) device;
    switch (attribute) {
    case 16: *value = 132; break;        // multiprocessors
    case 75: *value = 9; break;          // compute capability
    case 76: *value = 0; break;
    case 97: *value = SHARED_BYTES; break;
    default: *value = 1;
    }
    return OK;
}

int cuDevicePrimaryCtxRetain(void** context, int device) {
    (void) device;
    LOCKED((*context = add(CONTEXT, NULL, 0)->start, OK));
}

// A context takes with it whatever is left in it.
static void sweep(void) {
    struct object* next;
    for (struct object* at = objects; at; at = next) {
        next = at->next;
        if (at->kind != FREED && at->kind != HANDLE && at->kind != FUNCTION) {
            left_behind++;
            drop(at->kind, at->start, "cuDevicePrimaryCtxRelease");
        }
    }
}

int cuDevicePrimaryCtxRelease_v2(int device) {
    (void) device;
    pthread_mutex_lock(&lock);
    int contexts = 0;
    struct object* one = NULL;
    for (struct object* at = objects; at; at = at->next) {
        if (at->kind == CONTEXT) {
            contexts++;
            one = at;
        }
    }
    int result = one ? drop(CONTEXT, one->start, "cuDevicePrimaryCtxRelease") : INVALID_VALUE;
    if (contexts == 1) {
        sweep();
    }
    pthread_mutex_unlock(&lock);
    return result;
}

int cuCtxSetCurrent(void* context) { return (void) context, OK; }

int cuMemGetInfo_v2(size_t* free_bytes, size_t* total) {
    *total = (size_t) limit;
    *free_bytes = used < limit ? (size_t) (limit - used) : 0;
    return OK;
}

static int allocate(uint64_t* address, size_t bytes) {
    if (used + (long) bytes > limit) {
        return OUT_OF_MEMORY;
    }
    char* start = aligned_alloc(256, (bytes + 255) / 256 * 256);
    add(DEVICE, start, bytes);
    used += (long) bytes;
    *address = (uint64_t) start;
    return OK;
}

int cuMemAlloc_v2(uint64_t* address, size_t bytes) { LOCKED(bytes ? allocate(address, bytes) : INVALID_VALUE); }

int cuMemFree_v2(uint64_t address) { LOCKED(drop(DEVICE, (void*) address, "cuMemFree")); }

int cuMemHostAlloc(void** pointer, size_t bytes, unsigned flags) {
    (void) flags;
    LOCKED((*pointer = aligned_alloc(4096, (bytes + 4095) / 4096 * 4096), add(PINNED, *pointer, bytes), OK));
}

int cuMemFreeHost(void* pointer) { LOCKED(drop(PINNED, pointer, "cuMemFreeHost")); }

int cuMemHostRegister_v2(void* pointer, size_t bytes, unsigned flags) {
    (void) flags;
    LOCKED((add(REGISTERED, pointer, bytes), OK));
}

int cuMemHostUnregister(void* pointer) { LOCKED(drop(REGISTERED, pointer, "cuMemHostUnregister")); }

int cuStreamCreateWithPriority(void** stream, unsigned flags, int priority) {
    (void) flags, (void) priority;
    LOCKED((*stream = add(STREAM, NULL, 0)->start, OK));
}

int cuStreamDestroy_v2(void* stream) { LOCKED(drop(STREAM, stream, "cuStreamDestroy")); }

int cuStreamSynchronize(void* stream) { LOCKED(must_not_record(stream, "cuStreamSynchronize")); }

int cuStreamWaitEvent(void* stream, void* event, unsigned flags) {
    (void) flags;
    LOCKED(expect(STREAM, stream, "cuStreamWaitEvent") && expect(EVENT, event, "cuStreamWaitEvent") ? OK
                                                                                                  : INVALID_VALUE);
}

static int copy(void* to, const void* from, size_t bytes, void* stream, const char* call) {
    int result = must_not_record(stream, call);
    if (result == OK) {
        memcpy(to, from, bytes);
    }
    return result;
}

int cuMemcpyHtoDAsync_v2(uint64_t to, const void* from, size_t bytes, void* stream) {
    LOCKED(on_device(to, bytes, "cuMemcpyHtoD") ? copy((void*) to, from, bytes, stream, "cuMemcpyHtoD")
                                                : ILLEGAL_ADDRESS);
}

int cuMemcpyDtoHAsync_v2(void* to, uint64_t from, size_t bytes, void* stream) {
    LOCKED(on_device(from, bytes, "cuMemcpyDtoH") ? copy(to, (void*) from, bytes, stream, "cuMemcpyDtoH")
                                                  : ILLEGAL_ADDRESS);
}

int cuMemcpyDtoDAsync_v2(uint64_t to, uint64_t from, size_t bytes, void* stream) {
    LOCKED(on_device(to, bytes, "cuMemcpyDtoD") && on_device(from, bytes, "cuMemcpyDtoD")
               ? copy((void*) to, (void*) from, bytes, stream, "cuMemcpyDtoD")
               : ILLEGAL_ADDRESS);
}

int cuMemsetD8Async(uint64_t to, unsigned char value, size_t bytes, void* stream) {
    pthread_mutex_lock(&lock);
    int result = on_device(to, bytes, "cuMemset") ? must_not_record(stream, "cuMemset") : ILLEGAL_ADDRESS;
    if (result == OK) {
        memset((void*) to, value, bytes);
    }
    pthread_mutex_unlock(&lock);
    return result;
}

int cuEventCreate(void** event, unsigned flags) {
    (void) flags;
    LOCKED((*event = add(EVENT, NULL, 0)->start, OK));
}

int cuEventDestroy_v2(void* event) { LOCKED(drop(EVENT, event, "cuEventDestroy")); }

int cuEventRecord(void* event, void* stream) {
    LOCKED(expect(EVENT, event, "cuEventRecord") && expect(STREAM, stream, "cuEventRecord") ? OK : INVALID_VALUE);
}

int cuEventQuery(void* event) { LOCKED(expect(EVENT, event, "cuEventQuery") ? OK : INVALID_VALUE); }

int cuEventSynchronize(void* event) { LOCKED(expect(EVENT, event, "cuEventSynchronize") ? OK : INVALID_VALUE); }

int cuEventElapsedTime_v2(float* milliseconds, void* start, void* end) {
    return *milliseconds = 1, (void) start, (void) end, OK;
}

int cuModuleLoadDataEx(void** module, const void* image, unsigned options, void* names, void* values) {
    (void) image, (void) options, (void) names, (void) values;
    LOCKED((*module = add(MODULE, NULL, 0)->start, OK));
}

int cuModuleUnload(void* module) { LOCKED(drop(MODULE, module, "cuModuleUnload")); }

int cuModuleGetFunction(void** function, void* module, const char* name) {
    pthread_mutex_lock(&lock);
    struct object* object = add(FUNCTION, NULL, 0);
    snprintf(object->name, sizeof object->name, "%s", name);
    *function = object->start;
    int result = expect(MODULE, module, "cuModuleGetFunction") ? OK : INVALID_VALUE;
    pthread_mutex_unlock(&lock);
    return result;
}

static int set_attribute(void* function, int attribute, int value) {
    enum { MAX_DYNAMIC_SHARED_SIZE_BYTES = 8 };
    struct object* kernel = expect(FUNCTION, function, "cuFuncSetAttribute");
    if (!kernel || (attribute == MAX_DYNAMIC_SHARED_SIZE_BYTES && (value < 0 || value > SHARED_BYTES))) {
        return INVALID_VALUE;
    }
    if (attribute == MAX_DYNAMIC_SHARED_SIZE_BYTES) {
        kernel->shared = value;
    }
    return OK;
}

int cuFuncSetAttribute(void* function, int attribute, int value) { LOCKED(set_attribute(function, attribute, value)); }

// struct SampledRow of sampler.cuh
struct sampled {
    int token, valid;
    float log_prob;
    int alternatives;
};

static int choose(unsigned rows, void** parameters) {
    uint64_t sampled = *(uint64_t*) parameters[7];
    uint64_t chosen = *(uint64_t*) parameters[9];
    if (!reachable(sampled, rows * sizeof(struct sampled), "sampler_choose") ||
        !on_device(chosen, rows * sizeof(int), "sampler_choose")) {
        return ILLEGAL_ADDRESS;
    }
    for (unsigned row = 0; row < rows; row++) {
        const int token = 40 + draw++ % 30;
        ((struct sampled*) sampled)[row] = (struct sampled) {token, 1, -1, 0};
        ((int*) chosen)[row] = token;
    }
    return OK;
}

static int upload(void** parameters) {
    uint64_t from = *(uint64_t*) parameters[0];
    uint64_t to = *(uint64_t*) parameters[1];
    size_t bytes = 16 * (size_t) *(int*) parameters[2];
    if (!reachable(from, bytes, "upload_step") || !on_device(to, bytes, "upload_step")) {
        return ILLEGAL_ADDRESS;
    }
    memcpy((void*) to, (void*) from, bytes);
    return OK;
}

// Rows without their factors are for a product that is told so; anything else needs them normed anew.
static void check_norms(const char* name, struct object* stream, void** parameters) {
    const int ending = ending_of(name, parameters);
    if (ending == ENDING_ADD_NORM) {
        stream->unfinished = address_in(parameters, ENDING_PARAMETER, ENDING_OUT);
    } else if (ending >= 0) {
        const int told = address_in(parameters, ENDING_PARAMETER, ENDING_SQUARES) != 0;
        if (told != (stream->unfinished != 0 && stream->unfinished == address_in(parameters, 1, 0))) {
            mistake("%s of rows that %s their factors", name, told ? "have" : "lack");
        }
        stream->unfinished = told ? 0 : stream->unfinished;
    } else if (strcmp(name, "rms_norm") == 0 && address_in(parameters, 5, 0) == stream->unfinished) {
        stream->unfinished = 0;
    } else {
        const int rows = parameter_of_rows(name);
        if (rows >= 0 && stream->unfinished != 0 && address_in(parameters, rows, 0) == stream->unfinished) {
            mistake("%s of rows that lack their factors", name);
        }
    }
}

static int check_addresses(struct object* kernel, struct object* stream, void** parameters) {
    size_t i = 0;
    while (strncmp(kernel->name, ADDRESSES[i].name, strlen(ADDRESSES[i].name)) != 0) {
        if (++i == sizeof ADDRESSES / sizeof *ADDRESSES) {
            mistake("%s, whose parameters are not known here", kernel->name);
            return INVALID_VALUE;
        }
    }
    for (int j = 0; j < MOST_ADDRESSES && (j == 0 || ADDRESSES[i].at[j].parameter > 0); j++) {
        const uint64_t value = address_in(parameters, ADDRESSES[i].at[j].parameter, ADDRESSES[i].at[j].offset);
        if (value != 0 && !reachable(value, 1, kernel->name)) {
            return ILLEGAL_ADDRESS;
        }
        if (value != 0 && stream->recording) {
            struct address* address = malloc(sizeof *address);
            *address = (struct address) {kernel->name, value, stream->recorded};
            stream->recorded = address;
        }
    }
    return OK;
}

static int launch(void* function, unsigned blocks, const unsigned* block, unsigned shared, void* stream, void** parameters) {
    struct object* kernel = expect(FUNCTION, function, "a launch");
    struct object* of = expect(STREAM, stream, "a launch");
    if (!kernel || !of || blocks == 0) {
        return INVALID_VALUE;
    }
    const unsigned threads = block[0] * block[1] * block[2];
    const unsigned most = kernel->shared > DEFAULT_SHARED_BYTES ? kernel->shared : DEFAULT_SHARED_BYTES;
    if (threads == 0 || threads > 1024 || shared > most) {
        mistake("%s with %u threads and %u bytes of shared memory, %u at most", kernel->name, threads, shared, most);
        return INVALID_VALUE;
    }
    const int found = check_addresses(kernel, of, parameters);
    if (found != OK) {
        return found;
    }
    check_norms(kernel->name, of, parameters);
    // Kernels for decode steps or prompts alone, unless they are made to be alike; those for few rows; and products that
    // finish a projection.
    const char* name = kernel->name;
    const int apart = strstr(name, "_decode") || strstr(name, "_prompt");
    const int finishing = strncmp(name, "product_", 8) == 0;
    finishing_products += finishing;
    const int adapted = strncmp(name, "product_adapted", 15) == 0;
    turning_products += !adapted && ending_of(name, parameters) == ENDING_ROTATE;
    turning_adapted_products += adapted && ending_of(name, parameters) == ENDING_ROTATE;
    batch_dependent += (apart && !strstr(name, "invariant")) || strstr(name, "matvec_") || strcmp(name, "gate") == 0 ||
                       finishing;
    if (strcmp(kernel->name, "sampler_choose") == 0) {
        return choose(blocks, parameters);
    }
    return strcmp(kernel->name, "upload_step") == 0 ? upload(parameters) : OK;
}

int cuLaunchKernel(void* function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x, unsigned block_y,
                   unsigned block_z, unsigned shared, void* stream, void** parameters, void** extra) {
    (void) grid_y, (void) grid_z, (void) extra;
    const unsigned block[] = {block_x, block_y, block_z};
    LOCKED(launch(function, grid_x, block, shared, stream, parameters));
}

struct config {
    unsigned grid[3], block[3], shared;
    void* stream;
};

int cuLaunchKernelEx(const struct config* config, void* function, void** parameters, void** extra) {
    (void) extra;
    LOCKED(launch(function, config->grid[0], config->block, config->shared, config->stream, parameters));
}

int cuStreamBeginCapture_v2(void* stream, int mode) {
    (void) mode;
    pthread_mutex_lock(&lock);
    int result = must_not_record(stream, "cuStreamBeginCapture");
    if (result == OK) {
        find(STREAM, stream)->recording = 1;
        find(STREAM, stream)->recorded = NULL;
    }
    pthread_mutex_unlock(&lock);
    return result;
}

int cuStreamEndCapture(void* stream, void** graph) {
    pthread_mutex_lock(&lock);
    struct object* object = expect(STREAM, stream, "cuStreamEndCapture");
    *graph = NULL;
    int result = object && object->recording ? OK : INVALID_VALUE;
    if (result == OK) {
        object->recording = 0;
        struct object* recorded = add(GRAPH, NULL, 0);
        recorded->recorded = object->recorded;
        *graph = recorded->start;
    }
    pthread_mutex_unlock(&lock);
    return result;
}

int cuGraphInstantiateWithFlags(void** executable, void* graph, uint64_t flags) {
    (void) flags;
    pthread_mutex_lock(&lock);
    struct object* from = expect(GRAPH, graph, "cuGraphInstantiate");
    struct object* object = add(RECORDING, NULL, 0);
    object->recorded = from ? from->recorded : NULL;
    *executable = object->start;
    pthread_mutex_unlock(&lock);
    return from ? OK : INVALID_VALUE;
}

static int replay(void* executable, void* stream) {
    struct object* object = expect(RECORDING, executable, "cuGraphLaunch");
    if (!object) {
        return INVALID_VALUE;
    }
    replays++;
    for (struct address* at = object->recorded; at; at = at->next) {
        if (!reachable(at->value, 1, at->kernel)) {
            return ILLEGAL_ADDRESS;
        }
    }
    return must_not_record(stream, "cuGraphLaunch");
}

int cuGraphLaunch(void* executable, void* stream) { LOCKED(replay(executable, stream)); }

int cuGraphExecDestroy(void* executable) { LOCKED(drop(RECORDING, executable, "cuGraphExecDestroy")); }

int cuGraphDestroy(void* graph) { LOCKED(drop(GRAPH, graph, "cuGraphDestroy")); }

// --- cuBLASLt

static int open_handle(void** handle) { LOCKED((*handle = add(HANDLE, NULL, 0)->start, OK)); }

static int close_handle(void* handle) { LOCKED(drop(HANDLE, handle, "closing a handle of cuBLASLt")); }

int cublasLtCreate(void** handle) { return open_handle(handle); }

int cublasLtDestroy(void* handle) { return close_handle(handle); }

size_t cublasLtGetVersion(void) { return 130000; }

const char* cublasLtGetStatusName(int status) { return status ? "CUBLAS_STATUS_OTHER" : "CUBLAS_STATUS_SUCCESS"; }

const char* cublasLtGetStatusString(int status) { return cublasLtGetStatusName(status); }

int cublasLtMatmulDescCreate(void** handle, int compute, int scale) { return (void) compute, (void) scale, open_handle(handle); }

int cublasLtMatmulDescDestroy(void* handle) { return close_handle(handle); }

int cublasLtMatmulDescSetAttribute(void* handle, int attribute, const void* value, size_t bytes) {
    return (void) handle, (void) attribute, (void) value, (void) bytes, OK;
}

int cublasLtMatrixLayoutCreate(void** handle, int type, uint64_t rows, uint64_t cols, int64_t pitch) {
    return (void) type, (void) rows, (void) cols, (void) pitch, open_handle(handle);
}

int cublasLtMatrixLayoutDestroy(void* handle) { return close_handle(handle); }

int cublasLtMatmulPreferenceCreate(void** handle) { return open_handle(handle); }

int cublasLtMatmulPreferenceDestroy(void* handle) { return close_handle(handle); }

int cublasLtMatmulPreferenceSetAttribute(void* handle, int attribute, const void* value, size_t bytes) {
    return (void) handle, (void) attribute, (void) value, (void) bytes, OK;
}

struct heuristic {
    uint64_t algorithm[8];
    size_t workspace;
    int state;
    float waves;
    int reserved[4];
};

int cublasLtMatmulAlgoGetHeuristic(void* library, void* description, void* a, void* b, void* c, void* d, void* preference,
                                   int most, struct heuristic* found, int* count) {
    (void) library, (void) description, (void) a, (void) b, (void) c, (void) d, (void) preference, (void) most;
    memset(found, 0, sizeof *found);
    return *count = 1, OK;
}

int cublasLtMatmul(void* library, void* description, const void* one, uint64_t weight, void* a, uint64_t in, void* b,
                   const void* zero, uint64_t c, void* c_layout, uint64_t out, void* d, void* algorithm, uint64_t workspace,
                   size_t bytes, void* stream) {
    (void) description, (void) one, (void) a, (void) b, (void) zero, (void) c, (void) c_layout, (void) d, (void) algorithm;
    LOCKED(++batch_dependent && expect(HANDLE, library, "cublasLtMatmul") && expect(STREAM, stream, "cublasLtMatmul") &&
                   on_device(weight, 1, "cublasLtMatmul") && on_device(in, 1, "cublasLtMatmul") &&
                   on_device(out, 1, "cublasLtMatmul") && on_device(workspace, bytes, "cublasLtMatmul")
               ? OK
               : ILLEGAL_ADDRESS);
}
