/* The C ABI of native Ostler plugins, version 1. See plugin-api/src/native.rs for the messages, which are JSON texts in UTF-8.
 *
 * The manifest (plugin.toml) stands in the ELF section ".ostler.plugin", so that it is read without running the library.
 * The library is loaded in a process of its own, confined to the files that its grant names: no network, no other programs.
 * Calls come one at a time, from one thread.
 */
#ifndef OSTLER_NATIVE_H
#define OSTLER_NATIVE_H

#include <stddef.h>
#include <stdint.h>

#define OSTLER_NATIVE_ABI 1

/* An answer. `bytes` and `capacity` are the plugin's own business. */
typedef struct {
    uint8_t *bytes;
    size_t length;
    size_t capacity;
} ostler_native_buffer;

/* Returns OSTLER_NATIVE_ABI. */
uint32_t ostler_native_abi(void);

/* Does what the request says. Returns 0 and fills `answer` with a reply; anything else is a broken plugin.
 * `request` has at most 1 MiB and is wiped after the call; so is the answer after it was read. */
int32_t ostler_native_call(const uint8_t *request, size_t length, ostler_native_buffer *answer);

/* Takes an answer back. Called once for each answer. */
void ostler_native_free(ostler_native_buffer answer);

#endif
