# SPDX-License-Identifier: Apache-2.0
# Installs SoftHV to a fresh prefix and builds hvf-hello against it twice, through the CMake package
# and through pkg-config; both programs must run.
function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE output
                  ERROR_VARIABLE output)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "failed (${result}): ${ARGN}\n${output}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

function(run_hello program)
  run(${program})
  if(NOT output MATCHES "guest: 6 \\* 7 = 42\n.*guest: done\n")
    message(FATAL_ERROR "${program} printed:\n${output}")
  endif()
endfunction()

file(REMOVE_RECURSE ${WORK_DIR})
set(prefix ${WORK_DIR}/prefix)
run(${CMAKE_COMMAND} --install ${BUILD_DIR} --component softhv --prefix ${prefix})

run(${CMAKE_COMMAND} -S ${SOURCE_DIR} -B ${WORK_DIR}/package -DCMAKE_PREFIX_PATH=${prefix}
    -DCMAKE_C_COMPILER=${C_COMPILER} -DCMAKE_CXX_COMPILER=${CXX_COMPILER})
run(${CMAKE_COMMAND} --build ${WORK_DIR}/package)
run_hello(${WORK_DIR}/package/hvf-hello)

find_program(PKG_CONFIG pkg-config REQUIRED)
file(GLOB_RECURSE pc_file ${prefix}/softhv.pc)
get_filename_component(pc_dir "${pc_file}" DIRECTORY)
set(ENV{PKG_CONFIG_PATH} ${pc_dir})
run(${PKG_CONFIG} --cflags --libs --static softhv)
separate_arguments(flags UNIX_COMMAND "${output}")
run(${C_COMPILER} -std=gnu11 -o ${WORK_DIR}/hello-pkg-config ${SOURCE_DIR}/hvf_hello.c ${flags})
run_hello(${WORK_DIR}/hello-pkg-config)
