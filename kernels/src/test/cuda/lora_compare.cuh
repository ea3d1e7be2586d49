// Comparisons that count what is wrong, and say so.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

inline int failures = 0;

inline void compare(
    const std::string& what, const std::vector<double>& expected, const std::vector<float>& got, double limit) {
    double error = 0;
    double norm = 0;
    double worst = 0;
    for (size_t i = 0; i < expected.size(); i++) {
        double d = got[i] - expected[i];
        error += d * d;
        norm += expected[i] * expected[i];
        worst = std::max(worst, std::fabs(d) / (std::fabs(expected[i]) + 0.05));
        if (std::isnan(d)) {
            worst = NAN;
            break;
        }
    }
    double relative = norm > 0 ? std::sqrt(error / norm) : std::sqrt(error);
    if (!(relative <= limit) || !(worst <= 20 * limit)) {
        failures++;
        std::printf("FAILED %s: error %.2e of %.1e, worst element %.2e\n", what.c_str(), relative, limit, worst);
    }
}

template <typename T>
std::vector<float> floats(const std::vector<T>& values, size_t count) {
    std::vector<float> result(count);
    for (size_t i = 0; i < count; i++) {
        result[i] = float(values[i]);
    }
    return result;
}

// The rows behind the step's own must stay as they were.
template <typename T>
void check_untouched(const std::string& what, const std::vector<T>& before, const std::vector<T>& after, size_t from) {
    if (std::memcmp(before.data() + from, after.data() + from, (before.size() - from) * sizeof(T)) != 0) {
        failures++;
        std::printf("FAILED %s: wrote behind the last row\n", what.c_str());
    }
}

template <typename T>
void check_same(const std::string& what, const std::vector<T>& first, const std::vector<T>& second) {
    if (std::memcmp(first.data(), second.data(), first.size() * sizeof(T)) != 0) {
        failures++;
        std::printf("FAILED %s: another result the second time\n", what.c_str());
    }
}
