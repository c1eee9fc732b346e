# SPDX-License-Identifier: Apache-2.0
# cmake --install <build> --component softhv: libsofthv, <Hypervisor/...>, the CMake package `softhv`
# (target softhv::softhv) and softhv.pc.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

add_library(softhv::softhv ALIAS softhv)
target_include_directories(softhv PUBLIC $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
install(TARGETS softhv EXPORT softhv-targets
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT softhv)
install(DIRECTORY ${CMAKE_CURRENT_LIST_DIR}/Hypervisor DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        COMPONENT softhv FILES_MATCHING PATTERN "*.h")

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/softhv)
install(EXPORT softhv-targets NAMESPACE softhv:: DESTINATION ${package_dir} COMPONENT softhv)
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/softhv-config.cmake.in
                              ${CMAKE_CURRENT_BINARY_DIR}/softhv-config.cmake
                              INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/softhv-config-version.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/softhv-config.cmake
              ${CMAKE_CURRENT_BINARY_DIR}/softhv-config-version.cmake
        DESTINATION ${package_dir} COMPONENT softhv)

# The prefix is found from where the file is, so that an installation can be moved.
file(RELATIVE_PATH SOFTHV_PREFIX_FROM_PC /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
configure_file(${PROJECT_SOURCE_DIR}/cmake/softhv.pc.in ${CMAKE_CURRENT_BINARY_DIR}/softhv.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/softhv.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig
        COMPONENT softhv)
