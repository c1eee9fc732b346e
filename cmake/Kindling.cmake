# SPDX-License-Identifier: Apache-2.0
# Build rules shared by every layer.
#
#   kindling_library(NAME SOURCES a.cc ... [DEPS lib ...])   a static library
#   kindling_test(NAME SOURCES a_test.cc ... [DEPS lib ...]) a GoogleTest program, run by ctest
#
# Include paths: the repository root, so that every include names its layer ("arch/fdt.h").

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)

find_package(Threads REQUIRED)
find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
endif()

add_library(kindling_options INTERFACE)
target_compile_options(kindling_options INTERFACE -Wall -Wextra -Werror -fno-strict-aliasing)
target_include_directories(kindling_options INTERFACE ${PROJECT_SOURCE_DIR})
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|amd64|AMD64")
  # SSE4.2 and CMPXCHG16B are the x86-64 baseline; wider vectors are chosen at run time by CPUID.
  target_compile_options(kindling_options INTERFACE -msse4.2 -mcx16)
endif()
if(KINDLING_SANITIZE)
  target_compile_options(kindling_options INTERFACE -fsanitize=${KINDLING_SANITIZE}
                         -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(kindling_options INTERFACE -fsanitize=${KINDLING_SANITIZE})
  if(KINDLING_SANITIZE STREQUAL "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # The guest's barriers are fences, which the sanitizer does not model (softhv/mmu/access.h).
    target_compile_options(kindling_options INTERFACE -Wno-tsan)
  endif()
endif()
if(KINDLING_FUZZ)
  target_compile_options(kindling_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

include(StaticLibraries)

function(kindling_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE kindling_options PUBLIC ${ARG_DEPS})
endfunction()

function(kindling_test name)
  if(NOT BUILD_TESTING)
    return()
  endif()
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  find_package(GTest REQUIRED)
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE kindling_options ${ARG_DEPS} GTest::gmock GTest::gtest_main)
  add_test(NAME ${name} COMMAND ${name})
endfunction()

# kindling_guest_program(target prog.S [more.S ...]): assembles each bare-metal arm64 program of the
# current folder to a flat binary linked at address 0 (position-independent code only), and lets
# `target` find it: KINDLING_GUEST_PROGRAMS is the folder, prog.bin the file.
function(kindling_guest_program target)
  if(NOT BUILD_TESTING)
    return()
  endif()
  find_program(AARCH64_CC aarch64-linux-gnu-gcc REQUIRED)
  find_program(AARCH64_OBJCOPY aarch64-linux-gnu-objcopy REQUIRED)
  set(dir ${CMAKE_BINARY_DIR}/guest-programs)
  foreach(source ${ARGN})
    get_filename_component(name ${source} NAME_WE)
    add_custom_command(
      OUTPUT ${dir}/${name}.bin
      COMMAND ${CMAKE_COMMAND} -E make_directory ${dir}
      COMMAND ${AARCH64_CC} -I${PROJECT_SOURCE_DIR} -march=armv8.4-a+crypto+fp16 -nostdlib -static
              -Wl,-Ttext=0,-e,0,--build-id=none -o ${dir}/${name}.elf ${CMAKE_CURRENT_SOURCE_DIR}/${source}
      COMMAND ${AARCH64_OBJCOPY} -O binary ${dir}/${name}.elf ${dir}/${name}.bin
      DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${source}
      VERBATIM)
    target_sources(${target} PRIVATE ${dir}/${name}.bin)
  endforeach()
  target_compile_definitions(${target} PRIVATE KINDLING_GUEST_PROGRAMS="${dir}")
endfunction()
