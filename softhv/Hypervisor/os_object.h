// SPDX-License-Identifier: Apache-2.0
// The few names of Darwin's <os/object.h> that Hypervisor.framework programs use. Objects are
// reference-counted; every *_create function returns one reference. Thread-safe.
#pragma once

#ifndef OS_OBJECT_DECL
#define OS_OBJECT_DECL(_name) typedef struct _name##_s* _name##_t
#endif

#ifdef __cplusplus
extern "C" {
#endif

// Adds a reference to an object of this API and returns it.
void* os_retain(void* object);

// Drops a reference; the last one frees the object. NULL is ignored.
void os_release(void* object);

#ifdef __cplusplus
}
#endif
