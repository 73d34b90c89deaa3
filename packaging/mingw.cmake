# Cross-compiles for 64-bit Windows with Debian's mingw-w64 (POSIX threads).
set(CMAKE_SYSTEM_NAME Windows)
set(CMAKE_SYSTEM_PROCESSOR AMD64)
set(CMAKE_C_COMPILER x86_64-w64-mingw32-gcc-posix)
set(CMAKE_CXX_COMPILER x86_64-w64-mingw32-g++-posix)
set(CMAKE_RC_COMPILER x86_64-w64-mingw32-windres)
set(CMAKE_FIND_ROOT_PATH /usr/x86_64-w64-mingw32)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
# gcc on Windows may spill AVX registers to a stack that is not aligned for them (gcc bug 54412), so moves must not care.
set(COMMON_FLAGS "-include ${CMAKE_CURRENT_LIST_DIR}/mingw_compat.h -Wa,-muse-unaligned-vector-move -D_WIN32_WINNT=0x0A00")
set(CMAKE_C_FLAGS_INIT "${COMMON_FLAGS}")
set(CMAKE_CXX_FLAGS_INIT "${COMMON_FLAGS}")
# Everything of gcc's goes into the libraries; without exclude-libs each would export it, and they would not link.
set(LINK_FLAGS "-static -static-libgcc -static-libstdc++ -Wl,-s -Wl,--exclude-libs,ALL")
set(CMAKE_SHARED_LINKER_FLAGS_INIT "${LINK_FLAGS}")
set(CMAKE_MODULE_LINKER_FLAGS_INIT "${LINK_FLAGS}")
set(CMAKE_EXE_LINKER_FLAGS_INIT "${LINK_FLAGS}")
