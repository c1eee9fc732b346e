# SPDX-License-Identifier: Apache-2.0
# Libraries linked into the program (KINDLING_STATIC): the dynamic linker takes longer to find and
# relocate them than a guest takes to be restored (docs/benchmarks.md, Snapshots). Without archives
# of them, and with sanitizers, which need the shared C++ library, they stay shared.
#
#   kindling_find_library(TARGET PKG_CONFIG_NAME ARCHIVE)  an imported library PkgConfig::TARGET
#   kindling_fmt                                           fmt::fmt, or an archive of its own
#   kindling_link_statically(PROGRAM)                      the compiler's own libraries as well

find_package(PkgConfig REQUIRED)
find_package(fmt REQUIRED)

set(KINDLING_LINK_STATICALLY ${KINDLING_STATIC})
if(KINDLING_SANITIZE OR KINDLING_FUZZ OR APPLE)
  set(KINDLING_LINK_STATICALLY OFF)
endif()

macro(kindling_find_library target name archive)
  pkg_check_modules(${target} REQUIRED IMPORTED_TARGET GLOBAL ${name})
  find_library(KINDLING_ARCHIVE_${target} ${archive} HINTS ${${target}_LIBDIR} ${${target}_LIBRARY_DIRS})
  mark_as_advanced(KINDLING_ARCHIVE_${target})
  if(KINDLING_LINK_STATICALLY AND KINDLING_ARCHIVE_${target})
    set_property(TARGET PkgConfig::${target} PROPERTY INTERFACE_LINK_LIBRARIES
                 ${KINDLING_ARCHIVE_${target}})
  endif()
endmacro()

# Debian has {fmt} as a shared library, which needs the shared C++ library, and as headers that every
# file would compile again. Where cmake/fmt.cc suits the version, it is the library.
add_library(kindling_fmt INTERFACE)
set(KINDLING_OWN_FMT OFF)
if(KINDLING_LINK_STATICALLY)
  get_target_property(fmt_includes fmt::fmt INTERFACE_INCLUDE_DIRECTORIES)
  set(fmt_source ${CMAKE_CURRENT_LIST_DIR}/fmt.cc)
  try_compile(KINDLING_FMT_WORKS ${CMAKE_BINARY_DIR}/check-fmt
              SOURCES ${fmt_source} ${CMAKE_CURRENT_LIST_DIR}/fmt_check.cc
              CMAKE_FLAGS -DINCLUDE_DIRECTORIES=${fmt_includes}
              CXX_STANDARD 20)
  set(KINDLING_OWN_FMT ${KINDLING_FMT_WORKS})
endif()
if(KINDLING_OWN_FMT)
  add_library(kindling_fmt_archive STATIC ${fmt_source})
  target_include_directories(kindling_fmt_archive SYSTEM PUBLIC ${fmt_includes})
  target_link_libraries(kindling_fmt INTERFACE kindling_fmt_archive)
else()
  target_link_libraries(kindling_fmt INTERFACE fmt::fmt)
endif()

function(kindling_link_statically program)
  if(KINDLING_LINK_STATICALLY AND KINDLING_OWN_FMT)
    target_link_options(${program} PRIVATE -static-libstdc++ -static-libgcc)
  endif()
endfunction()
