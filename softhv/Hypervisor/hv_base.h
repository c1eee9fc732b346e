// SPDX-License-Identifier: Apache-2.0
// What every header of this folder needs: C types, return codes, memory flags, enumeration macros.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <Hypervisor/hv_kern_types.h>
#include <Hypervisor/os_object.h>

#ifndef __BEGIN_DECLS
#ifdef __cplusplus
#define __BEGIN_DECLS extern "C" {
#define __END_DECLS }
#else
#define __BEGIN_DECLS
#define __END_DECLS
#endif
#endif

// OS_ENUM(name, type, enumerators...) declares name_t with `type` as its underlying type. C11 has
// no such enumerations: there name_t is the integer type itself.
#ifndef OS_ENUM
#if defined(__cplusplus)
#define OS_ENUM(_name, _type, ...) typedef enum _name : _type { __VA_ARGS__ } _name##_t
#else
#define OS_ENUM(_name, _type, ...)                                                                 \
  enum { __VA_ARGS__ };                                                                            \
  typedef _type _name##_t
#endif
#endif
